import { List, Switch, Text } from "@mantine/core";

type Props = {
  isHardened: boolean;
  onChanged(isHardened: boolean): void;
  /** Why it cannot be. */
  obstacle: string | undefined;
  isApplication: boolean;
};

/** Turns on all that isolates a new container, and says what that is and what it may break. */
export function HardenedField({ isHardened, onChanged, obstacle, isApplication }: Props) {
  const isOn = isHardened && obstacle === undefined;
  return (
    <div>
      <Switch
        label="Hardened"
        description={obstacle ?? "Turns on all that isolates it from this computer. Each part can be undone on its tab Security."}
        disabled={obstacle !== undefined}
        checked={isOn}
        onChange={(event) => onChanged(event.currentTarget.checked)}
      />
      {isOn && (
        <div className="hardened-parts" role="status">
          <List size="sm" spacing={2} aria-label="What is turned on">
            {partsOf(isApplication).map((part) => (
              <List.Item key={part}>{part}</List.Item>
            ))}
          </List>
          <Text size="sm" mt={4}>
            <strong>What may not work:</strong> {breaksOf(isApplication)}
          </Text>
        </div>
      )}
    </div>
  );
}

function partsOf(isApplication: boolean): string[] {
  return [
    isApplication
      ? "Few of root's rights (capabilities): as many as one service needs."
      : "Fewer of root's rights (capabilities): none that concern this whole computer.",
    "A stricter filter of system calls.",
    ...(isApplication ? ["No program in it gets more rights than whoever starts it."] : []),
    "Its files are mounted so that none gives more rights (nosuid) and none is a device.",
    "Limits of memory, processes and processor time, where none are typed above.",
  ];
}

function breaksOf(isApplication: boolean): string {
  const both = "programs that use io_uring, BPF or kernel keyrings";
  if (isApplication) return `${both}, mounts and firewalls inside.`;
  return `sudo, su and ping of ordinary users in it, and ${both}.`;
}

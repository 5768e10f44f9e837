import { Badge, Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import type { MarkedFile } from "../../../privileged-helper/contract/security.ts";

const verdictTexts: Record<MarkedFile["verdict"], { text: string; color: string }> = {
  stray: { text: "no distribution ships it so", color: "red" },
  unlisted: { text: "not known to be shipped so", color: "yellow" },
  shipped: { text: "as shipped", color: "gray" },
};

type Props = { files: readonly MarkedFile[]; chosen: readonly string[]; onChanged(chosen: string[]): void };

/** Files with marks that give more rights, to be chosen: the suspicious ones come first. */
export function MarkedFiles({ files, chosen, onChanged }: Props) {
  const own = files.filter(({ isOwn }) => isOwn);
  const others = files.length - own.length;
  const suspicious = own.filter(({ verdict }) => verdict !== "shipped");
  return (
    <fieldset className="marked-files">
      <Text component="legend" size="sm" fw={600}>
        Files whose marks are taken off
      </Text>
      <Group gap="xs">
        <Button size="compact-xs" variant="default" disabled={suspicious.length === 0} onClick={() => onChanged(idsOf(suspicious))}>
          Only what is not shipped so
        </Button>
        <Button size="compact-xs" variant="default" disabled={own.length === 0} onClick={() => onChanged(idsOf(own))}>
          All
        </Button>
        <Button size="compact-xs" variant="default" disabled={chosen.length === 0} onClick={() => onChanged([])}>
          None
        </Button>
      </Group>
      <Stack gap={6} mt="xs" className="marked-files-list">
        {own.map(({ id, path, rights, verdict, package: owner }) => (
          <Checkbox
            key={id}
            size="sm"
            checked={chosen.includes(id)}
            onChange={(event) => onChanged(event.currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
            label={
              <span className="capability-label">
                <code className="any-path">{path}</code>
                <Badge size="xs" variant="light" color={verdictTexts[verdict].color} className="capability-mark">
                  {verdictTexts[verdict].text}
                </Badge>
              </span>
            }
            description={owner === undefined ? rights : `${rights}, of package ${owner}`}
          />
        ))}
      </Stack>
      {others > 0 && (
        <Text size="xs" c="dimmed" mt={6}>
          {others === 1 ? "One more lies" : `${others} more lie`} in the files of an image or a base that others share, and cannot be
          changed here. Mounted with nosuid they give nobody more rights either.
        </Text>
      )}
    </fieldset>
  );
}

function idsOf(files: readonly MarkedFile[]): string[] {
  return files.map(({ id }) => id);
}

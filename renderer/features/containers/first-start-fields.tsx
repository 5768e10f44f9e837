import { Alert, Select, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { PublicKeyFile } from "../../../privileged-helper/contract/model.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { Fold } from "../../ui/fold.tsx";
import { explainFirstStart, type FirstStartValues, isFirstStartGood } from "./first-start-values.ts";

type Props = {
  values: FirstStartValues;
  onChanged: (values: FirstStartValues) => void;
  /** False where it is not started: then nothing of this can be done. */
  isStarted: boolean;
  /** Why there can be no packages in it. */
  noPackages?: string;
};

const askKeys = (client: Client) => client.call("sshKeys.list", {});
const noKeys: readonly PublicKeyFile[] = [];
const pasted = "pasted";

/** What is done in the new container as soon as it runs. */
export function FirstStartFields({ values, onChanged, isStarted, noPackages }: Props) {
  const { answer } = useAnswer(askKeys);
  const keys = answer ?? noKeys;
  const [isKeyDue, setIsKeyDue] = useState(false);
  const errors = explainFirstStart(values, noPackages);
  const change = (changed: Partial<FirstStartValues>) => onChanged({ ...values, ...changed });
  const changeUser = (user: string) => {
    // Whoever makes a user most likely wants to be it.
    const isBegun = values.user === "" && values.key === "";
    change({ user, ...(isBegun && keys[0] && { key: keys[0].key }) });
    if (isBegun && answer === undefined) setIsKeyDue(true);
  };
  // Typing may be faster than reading the keys.
  useEffect(() => {
    if (!isKeyDue || answer === undefined) return;
    setIsKeyDue(false);
    if (answer[0] && values.user !== "" && values.key === "") onChanged({ ...values, key: answer[0].key });
  }, [isKeyDue, answer, values, onChanged]);
  return (
    <Fold label="First start: user, packages, command" hasErrors={isStarted && !isFirstStartGood(values, noPackages)}>
      {!isStarted && (
        <Alert color="blue" icon={<IconInfoCircle aria-hidden />}>
          All of this is done once the container runs. Switch on “Start after creation” for it.
        </Alert>
      )}
      <TextInput
        label="User"
        description="A person's own, beside root."
        autoComplete="off"
        spellCheck={false}
        disabled={!isStarted}
        value={values.user}
        onChange={(event) => changeUser(event.currentTarget.value)}
        error={errors.user}
      />
      <KeyField keys={keys} value={values.key} onChange={(key) => change({ key })} isDisabled={!isStarted} error={errors.key} />
      <Switch
        label="May become root without a password"
        description="With sudo or doas. Where its system brings neither, name one among the packages."
        disabled={!isStarted || values.user === ""}
        checked={values.mayBecomeRoot && values.user !== ""}
        onChange={(event) => change({ mayBecomeRoot: event.currentTarget.checked })}
      />
      <TextInput
        label="Packages"
        description={
          noPackages === undefined
            ? "Names, separated by blanks, as its own package manager has them: apt, dnf, apk or pacman."
            : `Not available: ${noPackages}`
        }
        placeholder="openssh-server sudo"
        autoComplete="off"
        spellCheck={false}
        disabled={!isStarted || (noPackages !== undefined && values.packages === "")}
        value={values.packages}
        onChange={(event) => change({ packages: event.currentTarget.value })}
        error={errors.packages}
      />
      <Textarea
        label="Command"
        description="One line or several, for its shell, as its root, after all else. The task shows it to whoever may see tasks: no place for passwords."
        autosize
        minRows={2}
        maxRows={10}
        spellCheck={false}
        classNames={{ input: "code-input" }}
        disabled={!isStarted}
        value={values.command}
        onChange={(event) => change({ command: event.currentTarget.value })}
        error={errors.command}
      />
      <Text size="xs" c="dimmed">
        It is done in this order: packages, user, command. Where something fails, the container is kept and runs on.
      </Text>
    </Fold>
  );
}

type KeyProps = {
  keys: readonly PublicKeyFile[];
  value: string;
  onChange: (key: string) => void;
  isDisabled: boolean;
  error?: string;
};

/** One of the person's own public keys, or one that is pasted. */
function KeyField({ keys, value, onChange, isDisabled, error }: KeyProps) {
  const [isPasting, setIsPasting] = useState(false);
  const own = keys.find(({ key }) => key === value);
  const isPasted = keys.length === 0 || isPasting || (value !== "" && !own);
  return (
    <>
      {keys.length > 0 && (
        <Select
          label="SSH key"
          description="Whoever has its private half can log in as this user, where an SSH server runs."
          placeholder="None"
          data={[...keys.map(({ name, key }) => ({ value: name, label: keyLabel(name, key) })), { value: pasted, label: "Another one" }]}
          clearable
          clearButtonProps={{ "aria-label": "Choose no key" }}
          comboboxProps={{ withinPortal: false, floatingStrategy: "fixed" }}
          disabled={isDisabled}
          value={isPasted ? pasted : (own?.name ?? null)}
          onChange={(chosen) => {
            setIsPasting(chosen === pasted);
            onChange(keys.find(({ name }) => name === chosen)?.key ?? "");
          }}
        />
      )}
      {isPasted && (
        <Textarea
          label={keys.length > 0 ? "Public key" : "SSH key"}
          description={
            keys.length > 0 ? undefined : "A public key. Whoever has its private half can log in as this user, where an SSH server runs."
          }
          placeholder="ssh-ed25519 AAAA… you@computer"
          autosize
          minRows={2}
          maxRows={6}
          spellCheck={false}
          classNames={{ input: "code-input" }}
          disabled={isDisabled}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          error={error}
        />
      )}
    </>
  );
}

/** Its file's name, and what its owner called it. */
function keyLabel(name: string, key: string): string {
  const comment = key.split(" ").slice(2).join(" ");
  return comment === "" ? name : `${name} (${comment})`;
}

import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { containerPath } from "../../ui/paths.ts";
import { parseEnvironment } from "./environment-text.ts";
import { openTerminal } from "./live-terminals.ts";

/** A shell of another user, in another folder or with more in its environment; or one command. */
export function NewTerminalDialog({ name, kind }: { name: string; kind: "shell" | "command" }) {
  const [, go] = useLocation();
  const [command, setCommand] = useState("");
  const [user, setUser] = useState("root");
  const [directory, setDirectory] = useState("");
  const [environment, setEnvironment] = useState("");
  const [isChecked, setIsChecked] = useState(false);
  const parsed = parseEnvironment(environment);
  const wrong = {
    command: kind === "command" && command.trim() === "" ? "Type a command." : undefined,
    directory: directory !== "" && !directory.startsWith("/") ? "Type the whole path of the folder, from / on." : undefined,
    environment: "reason" in parsed ? parsed.reason : undefined,
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsChecked(true);
    if (wrong.command || wrong.directory || "reason" in parsed) return;
    closeDialog();
    if (kind === "command") openTerminal(name, { type: "command", argv: ["/bin/sh", "-c", command] }, { type: "tab" });
    else {
      openTerminal(
        name,
        {
          type: "shell",
          user,
          ...(directory === "" ? {} : { directory }),
          ...(environment.trim() === "" ? {} : { environment: parsed.values }),
        },
        { type: "tab" },
      );
    }
    go(containerPath(name, "terminal"));
  };
  return (
    <Dialog
      title={kind === "command" ? `Run a command in ${name}` : `Shell in ${name}`}
      onSubmit={submit}
      buttons={
        <DialogButtons>
          <Button type="submit">{kind === "command" ? "Run" : "Open"}</Button>
        </DialogButtons>
      }
    >
      {kind === "command" && (
        <TextInput
          label="Command"
          description="It is run by the container's shell, as root, in a terminal of its own that stays when it has ended."
          placeholder="cat /etc/os-release"
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          value={command}
          error={isChecked && wrong.command}
          onChange={(event) => setCommand(event.currentTarget.value)}
        />
      )}
      {kind === "shell" && (
        <>
          <NativeSelect label="User" data={["root"]} value={user} onChange={(event) => setUser(event.currentTarget.value)} />
          <TextInput
            label="Working directory"
            description="Empty is the user's home."
            placeholder="/srv"
            autoComplete="off"
            spellCheck={false}
            value={directory}
            error={isChecked && wrong.directory}
            onChange={(event) => setDirectory(event.currentTarget.value)}
          />
          <Textarea
            label="Environment"
            description="One variable a line: NAME=value."
            autosize
            minRows={2}
            maxRows={8}
            spellCheck={false}
            value={environment}
            error={isChecked && wrong.environment}
            onChange={(event) => setEnvironment(event.currentTarget.value)}
            classNames={{ input: "monospace" }}
          />
        </>
      )}
    </Dialog>
  );
}

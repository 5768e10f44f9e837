import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useCallback, useState } from "react";
import { useLocation } from "wouter";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { addTerminal } from "../../state/terminals.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { containerPath } from "../../ui/paths.ts";
import { explainProblem } from "../../ui/problem.ts";
import { parseEnvironment } from "./environment-text.ts";

/** A shell of another user, in another folder or with more in its environment; or one command. */
export function NewTerminalDialog({ name, kind }: { name: string; kind: "shell" | "command" }) {
  const [, go] = useLocation();
  const [command, setCommand] = useState("");
  const [user, setUser] = useState("root");
  const [directory, setDirectory] = useState("");
  const [environment, setEnvironment] = useState("");
  const ask = useCallback(
    (client: Client) => (kind === "shell" ? client.call("terminal.users", { name }) : Promise.resolve(undefined)),
    [kind, name],
  );
  const { answer: users, problem } = useAnswer(ask);
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
    if (kind === "command") addTerminal(name, { type: "command", argv: ["/bin/sh", "-c", command] }, { type: "tab" });
    else {
      addTerminal(
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
      needs="shell"
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
          maxLength={4_096}
          value={command}
          error={isChecked && wrong.command}
          onChange={(event) => setCommand(event.currentTarget.value)}
        />
      )}
      {kind === "shell" && (
        <>
          <NativeSelect
            label="User"
            data={users?.map(({ name: account, uid }) => ({ value: account, label: `${account} (${uid})` })) ?? ["root"]}
            value={user}
            error={problem && explainProblem(problem).title}
            onChange={(event) => setUser(event.currentTarget.value)}
          />
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

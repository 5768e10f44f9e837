import { Button, Group, Text } from "@mantine/core";
import { useClient } from "../../state/connection.ts";
import { CodeBlock } from "../../ui/code-block.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { linesOf, visibleText } from "./hostile-text.ts";
import { closeTerminal } from "./live-terminals.ts";
import { closeQuestion, type Question, useQuestion } from "./questions.ts";

/** So much of what is pasted can be looked at before. */
const shownCharacters = 20_000;

/** Asks what a terminal, or a key too many, may have brought about. It may stand above another dialog. */
export function TerminalQuestions() {
  const question = useQuestion((state) => state.question);
  if (!question) return null;
  if (question.type === "link") return <LinkQuestion {...question} />;
  if (question.type === "paste") return <PasteQuestion {...question} />;
  if (question.type === "replace") return <ReplaceQuestion {...question} />;
  return <CloseQuestion {...question} />;
}

function LinkQuestion({ address }: Extract<Question, { type: "link" }>) {
  const isUser = address.username !== "" || address.password !== "";
  return (
    <Asked title="Open this address in the browser?" label="Open" onAgreed={() => open(address.href, "_blank", "noopener,noreferrer")}>
      <Text size="sm">
        The link was written by a program in the container. It leads to <b className="link-host">{address.host}</b>:
      </Text>
      <CodeBlock label="Address">{address.href}</CodeBlock>
      {isUser && (
        <Text size="sm" className="warning">
          What stands before the @ is no part of where it leads.
        </Text>
      )}
      {address.hostname.split(".").some((part) => part.startsWith("xn--")) && (
        <Text size="sm" className="warning">
          Its name has letters that are no plain ones; it may look like another one.
        </Text>
      )}
    </Asked>
  );
}

function PasteQuestion({ text, paste }: Extract<Question, { type: "paste" }>) {
  const count = linesOf(text).length;
  return (
    <Asked title={count === 1 ? "Paste a whole line?" : `Paste ${count} lines?`} label="Paste" onAgreed={paste}>
      <Text size="sm">A shell runs each line as soon as it is pasted. This is all that would be pasted:</Text>
      <CodeBlock label="What would be pasted">{visibleText(text.replace(/\r\n|\r/g, "\n"), shownCharacters)}</CodeBlock>
    </Asked>
  );
}

function ReplaceQuestion({ file, replace }: Extract<Question, { type: "replace" }>) {
  return (
    <Asked title={`Replace ${file}?`} label="Replace" onAgreed={replace}>
      <Text size="sm">There is a file of that name in the folder already.</Text>
    </Asked>
  );
}

function CloseQuestion({ terminals }: Extract<Question, { type: "close" }>) {
  const client = useClient();
  return (
    <Asked
      title={`Close ${terminals.length} terminals?`}
      label="Close all"
      onAgreed={() => {
        for (const id of terminals) closeTerminal(client, id);
      }}
    >
      <Text size="sm">What runs in them ends.</Text>
    </Asked>
  );
}

type AskedProps = { title: string; label: string; onAgreed(): void; children: React.ReactNode };

function Asked({ title, label, onAgreed, children }: AskedProps) {
  return (
    <Dialog
      title={title}
      onClose={closeQuestion}
      buttons={
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={closeQuestion} data-autofocus>
            Cancel
          </Button>
          <Button
            onClick={() => {
              closeQuestion();
              onAgreed();
            }}
          >
            {label}
          </Button>
        </Group>
      }
    >
      {children}
    </Dialog>
  );
}

import { Alert, Button, Loader, NumberInput, Radio, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconInfoCircle, IconRefresh } from "@tabler/icons-react";
import { useCallback, useState } from "react";
import {
  type ConversionFix,
  type ConversionWay,
  type SecurityFinding,
  type SecurityFix,
  type SecurityFixPreview,
  securityFix,
} from "../../../privileged-helper/contract/security.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { useContainer } from "../../state/containers.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { CodeBlock, CommandBlock } from "../../ui/code-block.tsx";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { Fold } from "../../ui/fold.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { CapabilityList } from "./capability-list.tsx";
import { MarkedFiles } from "./marked-files.tsx";
import { PlaceList } from "./place-list.tsx";
import { conversionText, fixTitle, wayTexts, wayTitles } from "./security-text.ts";

const mebibyte = 1024 * 1024;
const typingMilliseconds = 250;

/** What a fix of a container's isolation changes, to the line, and what it may break; and does it. */
export function HardenDialog({ name, finding }: { name: string; finding: SecurityFinding }) {
  const client = useClient();
  const [first] = finding.fixes;
  const [fix, setFix] = useState<SecurityFix | undefined>(first ?? freeChoice(finding));
  const [settled] = useDebouncedValue(fix, typingMilliseconds);
  const isValid = fix !== undefined && securityFix.safeParse(fix).success;
  const key = JSON.stringify(settled);
  const ask = useCallback(
    async (asked: Client) => {
      const parsed = securityFix.safeParse(JSON.parse(key ?? "null"));
      return parsed.success ? { key, preview: await asked.call("security.previewFix", { name, fix: parsed.data }) } : undefined;
    },
    [name, key],
  );
  const { answer, problem } = useAnswer(ask);
  // What was asked for before this choice is not what would be done.
  const preview = answer?.key === JSON.stringify(fix) ? answer.preview : undefined;
  const weakens = fix?.check === "user-namespace" && fix.to === "privileged";
  const isChange = fix?.check === "disk" && finding.diskLimit?.bytes !== undefined;
  const isAsItIs = fix?.check === "disk" && finding.diskLimit?.bytes === fix.bytes;
  const action = weakens ? "Make it privileged" : isChange ? "Change" : "Fix";
  return (
    <Dialog
      title={weakens ? `Make ${name} privileged?` : `${isChange ? "Change" : "Fix"} ${finding.title} of ${name}`}
      needs="configure"
      size="lg"
      buttons={
        <DialogButtons focusCancel={weakens}>
          <Button
            data-autofocus={!weakens || undefined}
            color={weakens ? "red" : undefined}
            disabled={!isValid || isAsItIs || preview === undefined}
            leftSection={preview?.needsRestart ? <IconRefresh size={16} aria-hidden /> : undefined}
            onClick={() => {
              closeDialog();
              if (fix) void harden(client, name, finding, fix);
            }}
          >
            {preview?.needsRestart ? `${action} and restart` : action}
          </Button>
        </DialogButtons>
      }
    >
      <Text size="sm">{finding.why}</Text>
      {fix && <Choice name={name} finding={finding} fix={fix} conversion={answer?.preview.conversion} onChanged={setFix} />}
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} />
        </Alert>
      )}
      {!problem && isValid && !preview && <Loader size="sm" aria-label="Looking at what it changes" />}
      {preview && <Preview name={name} preview={preview} />}
    </Dialog>
  );
}

/** How its files come to other owners, and to which. What is possible here is told by the first preview. */
function ConversionChoice({
  fix,
  conversion,
  onChanged,
}: {
  fix: ConversionFix;
  conversion: SecurityFixPreview["conversion"];
  onChanged(fix: ConversionFix): void;
}) {
  if (!conversion?.ids) return null;
  const { ways, way, ids } = conversion;
  return (
    <>
      <Radio.Group
        label="How its files come to other owners"
        value={fix.way ?? way}
        onChange={(value) => onChanged({ ...fix, way: value as ConversionWay })}
      >
        <Stack gap="xs" mt={6}>
          {ways.map(({ way: one, reason }) => (
            <Radio key={one} value={one} label={wayTitles[one]} description={reason ?? wayTexts[one]} disabled={reason !== undefined} />
          ))}
        </Stack>
      </Radio.Group>
      <NumberInput
        label="First id on this computer"
        description={`Left empty: the next ${ids.count} that nobody has.`}
        placeholder={String(ids.first)}
        value={fix.firstId ?? ""}
        min={65_536}
        step={ids.count}
        allowDecimal={false}
        onChange={(value) => {
          const { firstId: _, ...others } = fix;
          onChanged(typeof value === "number" ? { ...others, firstId: value } : others);
        }}
      />
    </>
  );
}

/** Where a choice of one's own starts from; undefined where there is none. */
function freeChoice({ capabilities, markedFiles }: SecurityFinding): SecurityFix | undefined {
  if (capabilities) return { check: "capabilities", preset: capabilities.has };
  return markedFiles && { check: "suid-files", files: [] };
}

type ChoiceProps = {
  name: string;
  finding: SecurityFinding;
  fix: SecurityFix;
  conversion: SecurityFixPreview["conversion"];
  onChanged(fix: SecurityFix): void;
};

function Choice({ name, finding, fix, conversion, onChanged }: ChoiceProps) {
  const { fixes, capabilities, markedFiles } = finding;
  const isRunning = useContainer(name)?.state === "running";
  if (fix.check === "user-namespace") {
    return fix.to === "unprivileged" && <ConversionChoice fix={fix} conversion={conversion} onChanged={onChanged} />;
  }
  if (fix.check === "read-only") {
    return <PlaceList name={name} isRunning={isRunning} places={fix.places} onChanged={(places) => onChanged({ ...fix, places })} />;
  }
  if (fix.check === "suid-files") {
    return (
      <MarkedFiles files={markedFiles?.files ?? []} chosen={fix.files} onChanged={(files) => onChanged({ check: "suid-files", files })} />
    );
  }
  if (fix.check === "capabilities" && capabilities) {
    const isOwn = typeof fix.preset !== "string";
    const choose = (value: string) => onChanged(fixes.find((one) => JSON.stringify(one) === value) ?? freeChoice(finding) ?? fix);
    return (
      <>
        <Radio.Group label="What it gets" value={isOwn ? "own" : JSON.stringify(fix)} onChange={choose}>
          <Stack gap="xs" mt={6}>
            {fixes.map((one) => (
              <Radio key={JSON.stringify(one)} value={JSON.stringify(one)} label={fixTitle(one)} />
            ))}
            <Radio value="own" label="A choice of your own" />
          </Stack>
        </Radio.Group>
        {typeof fix.preset !== "string" && (
          <CapabilityList
            name={name}
            isRunning={isRunning}
            known={capabilities}
            chosen={fix.preset}
            onChanged={(preset) => onChanged({ check: "capabilities", preset })}
          />
        )}
      </>
    );
  }
  if (fix.check === "memory") {
    return (
      <NumberInput
        label="Memory, in MiB"
        value={fix.bytes / mebibyte}
        min={16}
        step={64}
        allowDecimal={false}
        onChange={(value) => onChanged({ ...fix, bytes: Number(value) * mebibyte })}
      />
    );
  }
  if (fix.check === "input-output") {
    return (
      <NumberInput
        label="Reading and writing, each in MiB a second"
        value={fix.bytesPerSecond / mebibyte}
        min={1}
        step={8}
        allowDecimal={false}
        onChange={(value) => onChanged({ ...fix, bytesPerSecond: Number(value) * mebibyte })}
      />
    );
  }
  if (fix.check === "disk") {
    return (
      <NumberInput
        label="What it may store, in MiB"
        description="Left empty: as much as there is room for."
        value={fix.bytes === undefined ? "" : fix.bytes / mebibyte}
        min={16}
        step={1024}
        allowDecimal={false}
        onChange={(value) => onChanged({ check: "disk", ...(typeof value === "number" && { bytes: value * mebibyte }) })}
      />
    );
  }
  if (fix.check === "processes") {
    return (
      <NumberInput
        label="Processes and threads"
        value={fix.count}
        min={8}
        step={100}
        allowDecimal={false}
        onChange={(value) => onChanged({ ...fix, count: Number(value) })}
      />
    );
  }
  if (fix.check === "processor-time") {
    return (
      <NumberInput
        label="Processors"
        value={fix.cpus}
        min={0.1}
        step={0.5}
        decimalScale={2}
        onChange={(value) => onChanged({ ...fix, cpus: Number(value) })}
      />
    );
  }
  if (fixes.length < 2) return null;
  return (
    <Radio.Group label="What it gets" value={JSON.stringify(fix)} onChange={(value) => onChanged(JSON.parse(value) as SecurityFix)}>
      <Stack gap="xs" mt={6}>
        {fixes.map((one) => (
          <Radio key={JSON.stringify(one)} value={JSON.stringify(one)} label={fixTitle(one)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}

function Preview({ name, preview }: { name: string; preview: SecurityFixPreview }) {
  const { summary, mayBreak, changes: changed, removes, adds, files, commands, needsRestart, conversion } = preview;
  const changes = [...removes.map((line) => `- ${line}`), ...adds.map((line) => `+ ${line}`)];
  return (
    <>
      <div>
        <Text size="sm">{summary}</Text>
        <Text size="sm">
          <strong>What may not work any more:</strong> {mayBreak}
        </Text>
        {conversion && <Text size="sm">{conversionText(conversion)}</Text>}
      </div>
      {changed !== "nothing" && (
        <Stack gap={4}>
          <Text size="sm">
            {changed === "files" ? `These modes of files of ${name} are changed:` : `This is changed in the configuration of ${name}:`}
          </Text>
          <CodeBlock label="Changes">{changes.join("\n")}</CodeBlock>
        </Stack>
      )}
      {commands && <CommandBlock title="This command runs as root" label="Commands" commands={commands} />}
      {files.map(({ path, text }) => (
        <Fold key={path} label={`What is written to ${path}`} hasErrors={false}>
          <CodeBlock label={path}>{text}</CodeBlock>
        </Fold>
      ))}
      {needsRestart && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {name} is shut down and started again. If it does not come up as it was, all of this is taken back by itself.
        </Alert>
      )}
    </>
  );
}

async function harden(client: Client, name: string, finding: SecurityFinding, fix: SecurityFix): Promise<void> {
  try {
    await client.call("security.fix", { name, fix });
    showDone(doneText(name, finding, fix));
  } catch (error) {
    showProblem(error, () => harden(client, name, finding, fix));
  }
}

function doneText(name: string, { title }: SecurityFinding, fix: SecurityFix): string {
  if (fix.check === "user-namespace") return `${name} is ${fix.to} now.`;
  if (fix.check === "disk" && fix.bytes === undefined) return `${name} can store as much as there is room for.`;
  return `${title}: ${name} is fixed.`;
}

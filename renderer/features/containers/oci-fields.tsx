import { Alert, Button, FileButton, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconFolderOpen, IconSearch } from "@tabler/icons-react";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { formatBytes } from "../../ui/format.ts";
import { listInside } from "../../ui/list-inside.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { type ApplicationPart, describeImage, explainPart } from "./oci-values.ts";
import type { OciFile } from "./use-oci-file.ts";
import type { OciLookUp } from "./use-oci-look-up.ts";
import { WordList } from "./word-list.tsx";

type Props = {
  reference: string;
  onReference(reference: string): void;
  error?: string;
  file: OciFile;
  onFile(file: File | undefined): void;
  lookUp: OciLookUp;
  /** What was changed of what it runs; absent where nothing was. */
  application?: Application;
  onApplication(application: Application | undefined): void;
};

/** Which image it is and, once that was asked for, what it runs: as it says itself, or as a person wants it. */
export function OciFields({ reference, onReference, error, file, onFile, lookUp, application, onApplication }: Props) {
  const { image, problem, isAsking, ask } = lookUp;
  const isRight = reference !== "" && (error === undefined || image !== undefined);
  return (
    <Stack gap="sm">
      {file.file ? (
        <ChosenFile {...file} file={file.file} error={error} onFile={onFile} />
      ) : (
        <div className="field-and-button">
          <TextInput
            label="OCI reference"
            placeholder="alpine:3.22"
            description="As docker pull takes it: alpine:3.22, ghcr.io/owner/name:tag. Or a file: of docker save, or an OCI archive. Who has logged in with skopeo login gets private ones."
            autoComplete="off"
            spellCheck={false}
            maxLength={1000}
            value={reference}
            onChange={(event) => onReference(event.currentTarget.value)}
            // What is wrong with a part is said there.
            error={image ? undefined : error}
            inputWrapperOrder={["label", "input", "description", "error"]}
          />
          <FileButton accept=".tar,.gz,.tgz,.zst,.tzst" onChange={(chosen) => chosen && onFile(chosen)}>
            {(props) => (
              <Button {...props} variant="default" leftSection={<IconFolderOpen size={16} aria-hidden />}>
                Choose a file…
              </Button>
            )}
          </FileButton>
        </div>
      )}
      {(!file.file || isAsking) && (
        <Button
          variant="default"
          style={{ alignSelf: "flex-start" }}
          leftSection={<IconSearch size={16} aria-hidden />}
          loading={isAsking}
          disabled={!isRight}
          onClick={ask}
        >
          Show what it runs
        </Button>
      )}
      {problem && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} onRetry={ask} />
        </Alert>
      )}
      {image && (
        <>
          <Text size="sm" aria-live="polite">
            {describeImage(image)}
          </Text>
          <ApplicationFields
            own={image.application}
            value={application ?? image.application}
            isChanged={application !== undefined}
            onChanged={onApplication}
          />
        </>
      )}
    </Stack>
  );
}

type ChosenFileProps = OciFile & { file: File; error?: string; onFile(file: File | undefined): void };

/** Instead of a reference: what the file is called, how far its copy is, and which of the images in it is wanted. */
function ChosenFile({ file, fraction, copy, image, problem, error, chooseImage, onFile }: ChosenFileProps) {
  const isCopying = copy === undefined && problem === undefined && file.size > 0;
  const images = copy?.images ?? [];
  return (
    <>
      <div className="field-and-button">
        <TextInput
          label="OCI reference"
          description={isCopying ? copyText(fraction, file.size) : `A file of yours, ${formatBytes(file.size)}.`}
          inputWrapperOrder={["label", "input", "description", "error"]}
          readOnly
          value={file.name}
          error={file.size === 0 ? error : undefined}
        />
        <Button variant="default" onClick={() => onFile(undefined)}>
          {isCopying ? "Cancel copying" : "Choose no file"}
        </Button>
      </div>
      {isCopying && <ProgressBar size="sm" fraction={fraction < 1 ? fraction : undefined} label={`Progress of copying ${file.name}`} />}
      {problem && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} />
        </Alert>
      )}
      {images.length > 1 && (
        <Select
          label="Image in the file"
          placeholder={`Choose one of ${images.length}`}
          data={images.map(({ title }, index) => ({ value: String(index), label: title }))}
          allowDeselect={false}
          {...listInside}
          value={image === undefined ? null : String(image)}
          onChange={(value) => value !== null && chooseImage(Number(value))}
        />
      )}
    </>
  );
}

function copyText(fraction: number, bytes: number): string {
  return fraction < 1 ? `Copying it: ${formatBytes(fraction * bytes)} of ${formatBytes(bytes)}.` : "Looking into it.";
}

type FieldsProps = { own: Application; value: Application; isChanged: boolean; onChanged(application: Application | undefined): void };

function ApplicationFields({ own, value, isChanged, onChanged }: FieldsProps) {
  const change = (part: Partial<Pick<Application, ApplicationPart>>) => {
    const next = { ...value, ...part };
    onChanged(JSON.stringify(next) === JSON.stringify(own) ? undefined : next);
  };
  return (
    <Stack gap="sm">
      <WordList
        label="Command"
        description="The program and its arguments."
        item="Argument"
        words={value.argv}
        onChanged={(argv) => change({ argv })}
        error={explainPart(value, "argv")}
      />
      <WordList
        label="Environment"
        description="Variables as NAME=VALUE."
        item="Variable"
        words={value.environment}
        onChanged={(environment) => change({ environment })}
        error={explainPart(value, "environment")}
      />
      <Group grow align="flex-start">
        <TextInput
          label="Working directory"
          autoComplete="off"
          spellCheck={false}
          value={value.workingDirectory}
          onChange={(event) => change({ workingDirectory: event.currentTarget.value })}
          error={explainPart(value, "workingDirectory")}
        />
        <TextInput
          label="User"
          placeholder="root"
          autoComplete="off"
          spellCheck={false}
          value={value.user}
          onChange={(event) => change({ user: event.currentTarget.value })}
          error={explainPart(value, "user")}
        />
      </Group>
      {isChanged && (
        <Button variant="default" size="compact-sm" style={{ alignSelf: "flex-start" }} onClick={() => onChanged(undefined)}>
          As the image says
        </Button>
      )}
    </Stack>
  );
}

import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconSearch } from "@tabler/icons-react";
import type { Application } from "../../../privileged-helper/contract/application.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { type ApplicationPart, describeImage, explainPart } from "./oci-values.ts";
import type { OciLookUp } from "./use-oci-look-up.ts";
import { WordList } from "./word-list.tsx";

type Props = {
  reference: string;
  onReference(reference: string): void;
  error?: string;
  lookUp: OciLookUp;
  /** What was changed of what it runs; absent where nothing was. */
  application?: Application;
  onApplication(application: Application | undefined): void;
};

/** Which image it is and, once that was asked for, what it runs: as it says itself, or as a person wants it. */
export function OciFields({ reference, onReference, error, lookUp, application, onApplication }: Props) {
  const { image, problem, isAsking, ask } = lookUp;
  const isRight = reference !== "" && (error === undefined || image !== undefined);
  return (
    <Stack gap="sm">
      <TextInput
        label="OCI reference"
        placeholder="alpine:3.22"
        description="As docker pull takes it: alpine:3.22, ghcr.io/owner/name:tag. Of a file: docker-archive:/path or oci-archive:/path. Who has logged in with skopeo login gets private ones."
        autoComplete="off"
        spellCheck={false}
        maxLength={1000}
        value={reference}
        onChange={(event) => onReference(event.currentTarget.value)}
        // What is wrong with a part is said there.
        error={image ? undefined : error}
      />
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

import { Alert, Collapse, NumberInput, Radio, Select, SimpleGrid, Switch, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { listInside } from "../../ui/list-inside.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { ArchiveField } from "./archive-field.tsx";
import { CloneFields } from "./clone-fields.tsx";
import { explainLack, sources } from "./create-form.ts";
import { ImageField } from "./image-field.tsx";
import { MissingTools } from "./missing-tools.tsx";
import { OciFields } from "./oci-fields.tsx";
import { ProfileField } from "./profile-field.tsx";
import { TemplateFields } from "./template-fields.tsx";
import { templateChoices } from "./template-values.ts";
import type { CreateChoices } from "./use-create-choices.ts";

/** The first step: what it is called, what it is made of, and how private it is. All that a container needs. */
export function SourceStep(choices: CreateChoices) {
  const { form, values, containers, templates, template, templateForm, typed, missingTools, images } = choices;
  const { choice, problem, askAgain, names, nameError, countError, sourceError, given, isUnprivileged } = choices;
  const {
    changeName,
    changeCount,
    cloneOf,
    chooseImage,
    chooseOci,
    chooseOciFile,
    chooseArchive,
    oci,
    ociFile,
    again,
    profileName,
    chooseProfile,
  } = choices;
  const { ready, rows, isLoading } = images;
  return (
    <>
      {problem && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {again && (
        <Alert color="yellow" icon={<IconInfoCircle aria-hidden />}>
          {explainLack(again)}
        </Alert>
      )}
      <ProfileField value={profileName} onChosen={chooseProfile} />
      <div className="name-and-count">
        <TextInput
          data-autofocus
          label="Name"
          description={names.length === 1 ? "It becomes the host name inside." : `They are called ${names[0]} to ${names.at(-1)}.`}
          autoComplete="off"
          spellCheck={false}
          maxLength={64}
          value={values.name}
          onChange={(event) => changeName(event.currentTarget.value)}
          error={nameError}
        />
        <NumberInput
          label="How many"
          description="Made at once."
          min={1}
          allowDecimal={false}
          allowNegative={false}
          clampBehavior="none"
          value={values.count}
          onChange={changeCount}
          error={countError}
        />
      </div>
      <Radio.Group label="Source" {...form.getInputProps("source")}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" verticalSpacing={6} mt={6}>
          {sources.map((source) => (
            <Radio key={source.value} {...source} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {values.source === "template" && (
        <>
          <Select
            label="Template"
            data={templateChoices(templates ?? [])}
            searchable
            allowDeselect={false}
            nothingFoundMessage="There is no such template here."
            disabled={templates === undefined}
            description={template?.description}
            {...listInside}
            {...form.getInputProps("template")}
            error={sourceError}
          />
          {missingTools.length > 0 && template && <MissingTools template={template} />}
          <TemplateFields
            // Each template's form begins folded.
            key={values.template}
            form={templateForm}
            typed={typed}
            onTyped={(option, value) =>
              form.setFieldValue("options", { ...values.options, [values.template]: { ...typed, [option]: value } })
            }
          />
        </>
      )}
      {values.source === "image" && (
        <ImageField
          value={values.image}
          onChange={chooseImage}
          choice={choice}
          ready={ready}
          rows={rows}
          isLoading={isLoading}
          error={values.image === "" || isLoading ? undefined : sourceError}
        />
      )}
      {values.source === "oci" && (
        <OciFields
          reference={values.ociReference}
          onReference={chooseOci}
          error={values.ociReference === "" && !ociFile.file ? undefined : sourceError}
          file={ociFile}
          onFile={chooseOciFile}
          lookUp={oci}
          application={values.application}
          onApplication={(application) => form.setFieldValue("application", application)}
        />
      )}
      {values.source === "archive" && (
        <ArchiveField value={values.archive} onChange={chooseArchive} error={values.archive && sourceError} />
      )}
      {values.source === "clone" && (
        <CloneFields
          containers={containers}
          from={values.cloneFrom}
          values={values.clone}
          onFromChanged={cloneOf}
          onChanged={(clone) => form.setFieldValue("clone", clone)}
          error={sourceError}
        />
      )}
      <Switch
        label="Unprivileged"
        description={
          given !== undefined
            ? values.source === "clone"
              ? "A clone is as private as its base and shares its ids."
              : "Containers of an image are as private as it is, and share its ids."
            : "Root inside is nobody on this computer: it runs in a user namespace with ids of its own."
        }
        checked={isUnprivileged}
        disabled={given !== undefined}
        onChange={(event) => form.setFieldValue("unprivileged", event.currentTarget.checked)}
      />
      <Collapse expanded={!isUnprivileged}>
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Root inside will be root on this computer">
          A privileged container has no user namespace. Whoever breaks out of it, or is root in it, can take over this computer. Do this
          only for what you trust completely.
        </Alert>
      </Collapse>
      <Switch label="Start after creation" {...form.getInputProps("start", { type: "checkbox" })} />
    </>
  );
}

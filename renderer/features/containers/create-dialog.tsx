import { Alert, Button, Collapse, Radio, SegmentedControl, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import type { ParamsInputOf } from "../../../privileged-helper/contract/methods.ts";
import type { Container, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { useContainers } from "../../state/containers.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { containerPath } from "../../ui/paths.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";
import { CreateCommand } from "./create-command.tsx";
import { type CreateValues, cloneChoices, explainName, reasonAgainstClone, suggestName, toRequest } from "./create-form.ts";
import { MissingTools } from "./missing-tools.tsx";
import { OptionFields } from "./option-fields.tsx";
import { areOptionsGood, mayReserveAddress, untouchedOptions } from "./option-values.ts";
import { TemplateFields } from "./template-fields.tsx";
import { explainTyped, optionsOf, type TypedOptions, templateChoices } from "./template-values.ts";

const askHost = (client: Client) => client.call("host.info", {});
const askTemplates = (client: Client) => client.call("templates.list", {});
const noOptions: readonly TemplateOption[] = [];
const nothingTyped: TypedOptions = {};
/** The list belongs to the dialog, for those who cannot see where it is drawn; and it scrolls by itself. */
const listInside = {
  comboboxProps: { withinPortal: false, floatingStrategy: "fixed" },
  withScrollArea: false,
  styles: { options: { maxHeight: 220, overflowY: "auto" } },
} as const;
const noContainers: ReadonlyMap<string, Container> = new Map();

/** Asks what to make, and hands it to a task: the dialog closes, and the list and the tasks show how it goes. */
export function CreateDialog({ cloneFrom }: { cloneFrom?: string }) {
  const client = useClient();
  const [, go] = useLocation();
  const containers = useContainers() ?? noContainers;
  const [isNameSuggested, setIsNameSuggested] = useState(true);
  const { answer: host } = useAnswer(askHost);
  const { answer: templates, problem, askAgain } = useAnswer(askTemplates);

  const form = useForm<CreateValues>({
    mode: "controlled",
    initialValues: {
      name: suggestName(cloneFrom ?? "container", containers),
      source: cloneFrom === undefined ? "template" : "clone",
      template: "busybox",
      options: {},
      cloneFrom: cloneFrom ?? "",
      unprivileged: true,
      start: true,
      address: "static",
      more: untouchedOptions,
    },
  });
  const { values } = form;
  const template = templates?.find(({ name }) => name === values.template);
  const base = containers.get(values.cloneFrom);
  const nameError = explainName(values.name, containers);
  const templateForm = values.source === "template" ? (template?.options ?? noOptions) : noOptions;
  const typed = values.options[values.template] ?? nothingTyped;
  const isTemplateFormGood = templateForm.every((option) => explainTyped(option, typed[option.name]) === undefined);
  const missingTools = values.source === "template" ? (template?.missingTools ?? []) : [];
  const sourceError =
    values.source === "clone"
      ? base === undefined
        ? "Choose a container."
        : reasonAgainstClone(base)
      : templates !== undefined && template === undefined
        ? "Choose a template."
        : undefined;
  const isUnprivileged = values.source === "clone" ? base?.privileged !== true : values.unprivileged;
  const mayReserve = mayReserveAddress(values.more.network, host?.bridge?.name);
  const canCreate =
    nameError === undefined &&
    isTemplateFormGood &&
    areOptionsGood(values.more, isUnprivileged) &&
    sourceError === undefined &&
    missingTools.length === 0 &&
    !problem;

  const cloneOf = (from: string) => {
    form.setFieldValue("cloneFrom", from);
    // Until the person has chosen a name, it goes with the base.
    if (isNameSuggested) form.setFieldValue("name", suggestName(from, containers));
  };

  const send = async (request: ParamsInputOf<"containers.create">) => {
    try {
      await client.call("containers.create", request);
      showDone(`${request.name} is ${request.start ? "running" : "ready"}.`, {
        label: "Open",
        run: () => go(containerPath(request.name)),
      });
    } catch (error) {
      // It was made and is kept: there is only the start to be tried again.
      const isMade = toProblem(error).code === "start-failed";
      showProblem(error, () => (isMade ? performAction(client, "start", request.name) : send(request)));
    }
  };
  const create = () => {
    if (!canCreate) return;
    closeDialog();
    void send(toRequest({ ...values, unprivileged: isUnprivileged, address: mayReserve ? values.address : "dhcp" }, templateForm));
  };

  return (
    <Dialog title="Create container" size="lg" onSubmit={form.onSubmit(create)}>
      {problem && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      <TextInput
        data-autofocus
        label="Name"
        description="It becomes the host name inside."
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        value={values.name}
        onChange={(event) => {
          setIsNameSuggested(false);
          form.setFieldValue("name", event.currentTarget.value);
        }}
        error={nameError}
      />
      <Radio.Group label="Source" {...form.getInputProps("source")}>
        <Stack gap={6} mt={6}>
          <Radio value="template" label="Template" description="A fresh system, made by one of LXC's templates." />
          <Radio
            value="clone"
            label="Clone"
            description="A copy of a stopped container, ready at once: it shares the files of its base and stores only what changes."
          />
        </Stack>
      </Radio.Group>
      {values.source === "template" ? (
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
      ) : (
        <Select
          label="Clone from"
          placeholder="Choose a container"
          data={cloneChoices(containers)}
          searchable
          allowDeselect={false}
          nothingFoundMessage="There is no container to clone yet."
          {...listInside}
          value={values.cloneFrom === "" ? null : values.cloneFrom}
          onChange={(from) => cloneOf(from ?? "")}
          error={values.cloneFrom === "" ? undefined : sourceError}
        />
      )}
      <Switch
        label="Unprivileged"
        description={
          values.source === "clone"
            ? "A clone is as private as its base and shares its ids."
            : "Root inside is nobody on this computer: it runs in a user namespace with ids of its own."
        }
        checked={isUnprivileged}
        disabled={values.source === "clone"}
        onChange={(event) => form.setFieldValue("unprivileged", event.currentTarget.checked)}
      />
      <Collapse expanded={!isUnprivileged}>
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Root inside will be root on this computer">
          A privileged container has no user namespace. Whoever breaks out of it, or is root in it, can take over this computer. Do this
          only for what you trust completely.
        </Alert>
      </Collapse>
      {mayReserve && (
        <div>
          <Text size="sm" fw={500} id="address-label">
            Network address
          </Text>
          <Text size="xs" c="dimmed" mb={6}>
            {values.address === "static"
              ? "A free address of the bridge is reserved for it: it can be reached at once."
              : "It asks the network's DHCP server, which takes some seconds."}
          </Text>
          <SegmentedControl
            aria-labelledby="address-label"
            data={[
              { value: "static", label: "Fixed, at once" },
              { value: "dhcp", label: "DHCP" },
            ]}
            {...form.getInputProps("address")}
          />
        </div>
      )}
      <Switch label="Start after creation" {...form.getInputProps("start", { type: "checkbox" })} />
      <OptionFields
        values={values.more}
        onChanged={(more) => form.setFieldValue("more", more)}
        isClone={values.source === "clone"}
        isUnprivileged={isUnprivileged}
        host={host}
      />
      {template && host && values.source === "template" && (
        <CreateCommand
          template={template}
          name={values.name}
          lxcPath={host.lxcPath}
          options={nameError === undefined && isTemplateFormGood ? optionsOf(templateForm, typed) : undefined}
        />
      )}
      <DialogButtons>
        <Button type="submit" disabled={!canCreate}>
          Create
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

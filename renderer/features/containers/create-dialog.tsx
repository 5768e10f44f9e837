import { Alert, Button, Collapse, NumberInput, Radio, SegmentedControl, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import type { Container, Download, ReadyImage, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { ProblemError, toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { sendFile } from "../../backend/upload.ts";
import { useAnswer } from "../../state/answer.ts";
import { useClient } from "../../state/connection.ts";
import { useContainers } from "../../state/containers.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { useCatalog, useDownloads } from "../../state/images.ts";
import { useReadyImages } from "../../state/ready-images.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { findChoice, type ImageChoice } from "../../ui/image-choices.ts";
import { imageRows } from "../../ui/image-rows.ts";
import { listInside } from "../../ui/list-inside.ts";
import { containerPath } from "../../ui/paths.ts";
import { ProblemView } from "../../ui/problem-view.tsx";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { performAction } from "./actions.ts";
import { ArchiveField } from "./archive-field.tsx";
import { CreateCommand } from "./create-command.tsx";
import {
  type CreateRequest,
  type CreateValues,
  cloneChoices,
  explainCount,
  explainNames,
  namesOf,
  reasonAgainstClone,
  stemOf,
  suggestName,
  titleOf,
  toRequest,
} from "./create-form.ts";
import { ImageField } from "./image-field.tsx";
import { MissingTools } from "./missing-tools.tsx";
import { OptionFields } from "./option-fields.tsx";
import { areOptionsGood, mayReserveAddress, untouchedOptions } from "./option-values.ts";
import { TemplateFields } from "./template-fields.tsx";
import { explainTyped, optionsOf, type TypedOptions, templateChoices } from "./template-values.ts";

const askHost = (client: Client) => client.call("host.info", {});
const askTemplates = (client: Client) => client.call("templates.list", {});
const noOptions: readonly TemplateOption[] = [];
const nothingTyped: TypedOptions = {};
const noImages: readonly ReadyImage[] = [];
const noDownloads: readonly Download[] = [];
const noContainers: ReadonlyMap<string, Container> = new Map();

/** Asks what to make, and hands it to a task: the dialog closes, and the list and the tasks show how it goes. */
export function CreateDialog({ cloneFrom, image }: { cloneFrom?: string; image?: string }) {
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
      count: 1,
      source: cloneFrom !== undefined ? "clone" : image !== undefined ? "image" : "template",
      template: "busybox",
      options: {},
      image: image ?? "",
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
  const { ready, rows, isLoading } = useImages(values.source === "image");
  const choice = findChoice(values.image, ready, rows);
  const nameError = explainNames(values, containers);
  const countError = values.source === "archive" ? undefined : explainCount(values.count);
  const names = namesOf(values);
  const templateForm = values.source === "template" ? (template?.options ?? noOptions) : noOptions;
  const typed = values.options[values.template] ?? nothingTyped;
  const isTemplateFormGood = templateForm.every((option) => explainTyped(option, typed[option.name]) === undefined);
  const missingTools = values.source === "template" ? (template?.missingTools ?? []) : [];
  const sourceError = {
    template: templates !== undefined && template === undefined ? "Choose a template." : undefined,
    image: choice === undefined ? "Choose an image." : undefined,
    archive: values.archive === undefined ? "Choose a file." : values.archive.size === 0 ? "This file is empty." : undefined,
    clone: base === undefined ? "Choose a container." : reasonAgainstClone(base),
  }[values.source];
  /** What is there already has its owners, and what is made of it is like it. */
  const given =
    values.source === "clone"
      ? base?.privileged !== true
      : values.source === "image" && choice?.from === "ready"
        ? choice.image.unprivileged
        : undefined;
  const isUnprivileged = given ?? values.unprivileged;
  const mayReserve = mayReserveAddress(values.more.network, host?.bridge?.name);
  const canCreate =
    nameError === undefined &&
    countError === undefined &&
    isTemplateFormGood &&
    areOptionsGood(values.more, isUnprivileged) &&
    sourceError === undefined &&
    missingTools.length === 0 &&
    !problem;

  /** Until the person has chosen a name, it goes with the source. */
  const nameAfter = (source: string) => {
    if (!isNameSuggested || source === "") return;
    const suggested = suggestName(source, containers);
    form.setFieldValue("name", Number(values.count) > 1 ? stemOf(suggested) : suggested);
  };
  const cloneOf = (from: string) => {
    form.setFieldValue("cloneFrom", from);
    nameAfter(from);
  };
  /** A name that nobody has typed ends in a number of its own only where it is the name of one. */
  const changeCount = (count: number | string) => {
    form.setFieldValue("count", count);
    if (isNameSuggested) form.setFieldValue("name", Number(count) > 1 ? stemOf(values.name) : suggestName(values.name, containers));
  };
  const chooseImage = (value: string) => {
    form.setFieldValue("image", value);
    nameAfter(nameOfChoice(findChoice(value, ready, rows)));
  };
  const chooseArchive = (file: File | undefined) => {
    form.setFieldValue("archive", file);
    nameAfter(file ? titleOf(file.name) : "");
  };
  // An image that the dialog was opened for names the container as soon as it is known.
  const firstName = image === undefined ? "" : nameOfChoice(findChoice(image, ready, rows));
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when that name comes
  useEffect(() => nameAfter(firstName), [firstName]);

  /** @returns False where it was not made, or does not run; then that is shown. */
  const attempt = async (request: CreateRequest): Promise<boolean> => {
    const { name } = request.params;
    try {
      await perform(client, request);
      return true;
    } catch (error) {
      // It was made and is kept: there is only the start to be tried again.
      const isMade = toProblem(error).code === "start-failed";
      showProblem(error, () => (isMade ? performAction(client, "start", name) : sendAll([request])));
      return false;
    }
  };
  const sendAll = async (requests: readonly CreateRequest[]) => {
    const done = await Promise.all(requests.map(attempt));
    const made = requests.filter((_, index) => done[index]);
    const [first, last] = [made[0]?.params, made.at(-1)?.params];
    if (!first || !last) return;
    const how = first.start ? "running" : "ready";
    if (first === last) showDone(`${first.name} is ${how}.`, { label: "Open", run: () => go(containerPath(first.name)) });
    else showDone(`${made.length} containers are ${how}: ${first.name} to ${last.name}.`);
  };
  const create = () => {
    if (!canCreate) return;
    closeDialog();
    const address = mayReserve ? values.address : "dhcp";
    const requests = names.map((name) => toRequest({ ...values, name, unprivileged: isUnprivileged, address }, templateForm, choice));
    void sendAll(requests);
  };

  return (
    <Dialog title="Create container" size="lg" onSubmit={form.onSubmit(create)}>
      {problem && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />}>
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      <div className="name-and-count">
        <TextInput
          data-autofocus
          label="Name"
          description={names.length === 1 ? "It becomes the host name inside." : `They are called ${names[0]} to ${names.at(-1)}.`}
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
        {values.source !== "archive" && (
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
        )}
      </div>
      <Radio.Group label="Source" {...form.getInputProps("source")}>
        <Stack gap={6} mt={6}>
          <Radio value="template" label="Template" description="A fresh system, made by one of LXC's templates." />
          <Radio value="image" label="Image" description="A ready system of an image server, or one that was saved on this computer." />
          <Radio value="archive" label="Archive" description="A root file system in a file of yours." />
          <Radio
            value="clone"
            label="Clone"
            description="A copy of a stopped container, ready at once: it shares the files of its base and stores only what changes."
          />
        </Stack>
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
      {values.source === "archive" && (
        <ArchiveField value={values.archive} onChange={chooseArchive} error={values.archive && sourceError} />
      )}
      {values.source === "clone" && (
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
          name={names[0] ?? values.name}
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

function useImages(isWanted: boolean) {
  const ready = useReadyImages();
  const { catalog, isAsking } = useCatalog(isWanted);
  const downloads = useDownloads();
  const rows = useMemo(() => imageRows(catalog, downloads ?? noDownloads), [catalog, downloads]);
  const isLoading = ready === undefined || downloads === undefined || (catalog === undefined && isAsking);
  return { ready: ready ?? noImages, rows, isLoading };
}

/** What a container of an image is called where nobody says otherwise. */
function nameOfChoice(choice: ImageChoice | undefined): string {
  if (!choice) return "";
  return choice.from === "ready" ? choice.image.title : choice.row.image.distribution;
}

async function perform(client: Client, request: CreateRequest): Promise<void> {
  if (request.method === "containers.create") return client.call(request.method, request.params);
  if (request.method === "catalog.create") return client.call(request.method, request.params);
  const { title, file, params } = request;
  const { channel } = await client.call("archives.open", { title, bytes: file.size });
  const sending = new AbortController();
  const creating = new AbortController();
  let unreadable: unknown;
  const sent = sendFile(client, channel, file, sending.signal).catch((error: unknown) => {
    unreadable = error;
    creating.abort();
  });
  try {
    await client.call("archives.create", { ...params, channel }, { signal: creating.signal });
  } catch (error) {
    throw unreadable ? new ProblemError({ code: "file-unreadable", name: file.name.slice(0, 255) }) : error;
  } finally {
    sending.abort();
    await sent;
  }
}

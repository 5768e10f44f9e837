import { type UseFormReturnType, useForm } from "@mantine/form";
import { useEffect, useMemo, useState } from "react";
import type { FilledInInput, Profile, ProfileInput } from "../../../privileged-helper/contract/methods.ts";
import type { Container, Download, HostInfo, ReadyImage, Template, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { ociTitle, parseOciReference } from "../../../privileged-helper/contract/oci-reference.ts";
import type { Problem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { useContainers } from "../../state/containers.ts";
import { useCatalog, useDownloads } from "../../state/images.ts";
import { useReadyImages } from "../../state/ready-images.ts";
import { findChoice, type ImageChoice } from "../../ui/image-choices.ts";
import { type ImageRow, imageRows } from "../../ui/image-rows.ts";
import {
  type CreateRequest,
  type CreateValues,
  explainCount,
  explainNames,
  namesOf,
  reasonAgainstClone,
  referenceIn,
  stemOf,
  suggestName,
  titleOf,
  toRequests,
} from "./create-form.ts";
import { isFirstStartGood, nothingAtFirstStart, reasonAgainstPackages } from "./first-start-values.ts";
import { explainChanges, explainOciFile } from "./oci-values.ts";
import { areOptionsGood, explainHardened, mayReserveAddress, untouchedOptions } from "./option-values.ts";
import { filledInAgain, hasPassword, toChoices, valuesOfChoices } from "./profile-values.ts";
import { explainTyped, type TypedOptions } from "./template-values.ts";
import { type OciFile, useOciFile } from "./use-oci-file.ts";
import { type OciLookUp, useOciLookUp } from "./use-oci-look-up.ts";

const askHost = (client: Client) => client.call("host.info", {});
const askTemplates = (client: Client) => client.call("templates.list", {});
const noOptions: readonly TemplateOption[] = [];
const nothingTyped: TypedOptions = {};
const noImages: readonly ReadyImage[] = [];
const noDownloads: readonly Download[] = [];
const noContainers: ReadonlyMap<string, Container> = new Map();

/** What the create dialog's steps share: what was chosen, what follows from it, and how it is changed. */
export type CreateChoices = {
  form: UseFormReturnType<CreateValues>;
  values: CreateValues;
  containers: ReadonlyMap<string, Container>;
  /** Absent while it is not known. */
  host?: HostInfo;
  templates?: readonly Template[];
  template?: Template;
  /** Of the chosen template; nothing where another source is. */
  templateForm: readonly TemplateOption[];
  typed: TypedOptions;
  missingTools: readonly string[];
  images: { ready: readonly ReadyImage[]; rows: readonly ImageRow[]; isLoading: boolean };
  choice?: ImageChoice;
  /** The container that is to be cloned. */
  base?: Container;
  oci: OciLookUp;
  /** The file that the image of OCI is in. */
  ociFile: OciFile;
  /** What the dialog was filled in with before. */
  again?: FilledInInput;
  /** It runs one application: nothing in it asks for an address, or can be set up at a first start. */
  isApplication: boolean;
  /** Why the list of templates is not there. */
  problem?: Problem;
  askAgain(): void;
  /** Of all that are to be made. */
  names: readonly string[];
  nameError?: string;
  countError?: string;
  sourceError?: string;
  /** Whether it is to be unprivileged where that is not chosen: what is there already has its owners, and what is made of it is like it. */
  given?: boolean;
  isUnprivileged: boolean;
  mayReserve: boolean;
  /** Why there can be no packages in it. */
  noPackages?: string;
  /** Whether what a step asks for can be taken. */
  isSourceGood: boolean;
  areSettingsGood: boolean;
  changeName(name: string): void;
  changeCount(count: number | string): void;
  cloneOf(from: string): void;
  chooseImage(value: string): void;
  chooseOci(reference: string): void;
  chooseOciFile(file: File | undefined): void;
  chooseArchive(file: File | undefined): void;
  /** What Create asks for. */
  requests(): CreateRequest[];
  /** The name of the profile that was chosen or saved last; "" where there is none. */
  profileName: string;
  chooseProfile(profile: Profile | undefined): void;
  setProfileName(name: string): void;
  /** What a profile of what is chosen now keeps; nothing where the source is not chosen yet. */
  profileChoices(): ProfileInput["choices"] | undefined;
  hasPassword: boolean;
};

/** For what the dialog was opened. */
export type Opened = {
  cloneFrom?: string;
  /** A value of the list of images. */
  image?: string;
  /** What it was filled in with before. */
  again?: FilledInInput;
};

export function useCreateChoices({ cloneFrom, image, again }: Opened): CreateChoices {
  const containers = useContainers() ?? noContainers;
  const [isNameSuggested, setIsNameSuggested] = useState(again === undefined);
  const [profileName, setProfileName] = useState("");
  const { answer: host } = useAnswer(askHost);
  const { answer: templates, problem, askAgain } = useAnswer(askTemplates);

  const untouched: CreateValues = {
    name: suggestName(cloneFrom ?? "container", containers),
    count: 1,
    source: cloneFrom !== undefined ? "clone" : image !== undefined ? "image" : "template",
    template: "busybox",
    options: {},
    image: image ?? "",
    ociReference: "",
    cloneFrom: cloneFrom ?? "",
    clone: { copy: "instant", snapshot: "" },
    unprivileged: true,
    start: true,
    address: "static",
    more: untouchedOptions,
    firstStart: nothingAtFirstStart,
  };
  const form = useForm<CreateValues>({ mode: "controlled", initialValues: again ? filledInAgain(again, untouched) : untouched });
  const { values } = form;
  const template = templates?.find(({ name }) => name === values.template);
  const base = containers.get(values.cloneFrom);
  const images = useImages(values.source === "image");
  const { ready, rows } = images;
  const choice = findChoice(values.image, ready, rows);
  const ociFile = useOciFile();
  const chosenFile =
    ociFile.file && ociFile.copy && ociFile.image !== undefined
      ? { file: ociFile.file, copy: ociFile.copy, image: ociFile.image }
      : undefined;
  const referenceInFile = chosenFile && referenceIn(chosenFile);
  const oci = useOciLookUp(referenceInFile ?? values.ociReference);
  const isApplication =
    values.source === "oci" || (values.source === "image" && choice?.from === "ready" && choice.image.application !== undefined);
  const parsedReference = parseOciReference(values.ociReference);
  const nameError = explainNames(values, containers);
  const countError = explainCount(values.count);
  const names = namesOf(values);
  const templateForm = values.source === "template" ? (template?.options ?? noOptions) : noOptions;
  const typed = values.options[values.template] ?? nothingTyped;
  const isTemplateFormGood = templateForm.every((option) => explainTyped(option, typed[option.name]) === undefined);
  const missingTools = values.source === "template" ? (template?.missingTools ?? []) : [];
  const sourceError = {
    template: templates !== undefined && template === undefined ? "Choose a template." : undefined,
    image: choice === undefined ? "Choose an image." : undefined,
    oci:
      (ociFile.file ? explainOciFile(ociFile) : typeof parsedReference === "string" ? parsedReference : undefined) ??
      explainChanges(values.application ?? oci.image?.application),
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
  const mayReserve = !isApplication && mayReserveAddress(values.more.network, host?.bridge?.name);
  const noPackages = reasonAgainstPackages(values.more.network, values.source === "template" ? template : undefined);
  const isSourceGood =
    nameError === undefined &&
    countError === undefined &&
    isTemplateFormGood &&
    sourceError === undefined &&
    missingTools.length === 0 &&
    problem === undefined;

  /** Until the person has chosen a name, it goes with the source. */
  const nameAfter = (source: string) => {
    if (!isNameSuggested || source === "") return;
    const suggested = suggestName(source, containers);
    form.setFieldValue("name", Number(values.count) > 1 ? stemOf(suggested) : suggested);
  };
  const cloneOf = (from: string) => {
    form.setFieldValue("cloneFrom", from);
    form.setFieldValue("clone", { ...values.clone, snapshot: "" });
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
  /** What was changed belongs to the image before. */
  const chooseOci = (reference: string) => {
    form.setValues({ ociReference: reference, application: undefined });
    nameAfter(nameOfReference(reference));
  };
  const chooseOciFile = (file: File | undefined) => {
    form.setFieldValue("application", undefined);
    ociFile.choose(file);
    nameAfter(titleOf(file?.name ?? ""));
  };
  const chooseArchive = (file: File | undefined) => {
    form.setFieldValue("archive", file);
    nameAfter(file ? titleOf(file.name) : "");
  };
  const chooseProfile = (profile: Profile | undefined) => {
    setProfileName(profile?.name ?? "");
    if (!profile) return;
    form.setValues(valuesOfChoices(profile.choices, values));
    nameAfter(profile.name);
  };
  /** The values as they are asked for: what another choice decides is decided. */
  const decided = (): CreateValues => ({
    ...values,
    unprivileged: isUnprivileged,
    more: { ...values.more, hardened: values.more.hardened && explainHardened(values.source === "clone", isUnprivileged) === undefined },
    address: isApplication ? "static" : mayReserve ? values.address : "dhcp",
    firstStart: isApplication ? nothingAtFirstStart : values.firstStart,
  });
  // What is on this computer is asked without being told.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is another one
  useEffect(() => {
    if (referenceInFile === undefined) return;
    oci.ask();
    nameAfter(nameOfReference(referenceInFile));
  }, [referenceInFile]);
  // An image that the dialog was opened for names the container as soon as it is known.
  const firstName = image === undefined ? "" : nameOfChoice(findChoice(image, ready, rows));
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when that name comes
  useEffect(() => nameAfter(firstName), [firstName]);

  return {
    form,
    values,
    containers,
    host,
    templates,
    template,
    templateForm,
    typed,
    missingTools,
    images,
    choice,
    base,
    oci,
    ociFile,
    again,
    isApplication,
    problem,
    askAgain,
    names,
    nameError,
    countError,
    sourceError,
    given,
    isUnprivileged,
    mayReserve,
    noPackages,
    isSourceGood,
    areSettingsGood:
      areOptionsGood(values.more, isUnprivileged, host?.bridges) &&
      (!values.start || isApplication || isFirstStartGood(values.firstStart, noPackages)),
    changeName(name) {
      setIsNameSuggested(false);
      form.setFieldValue("name", name);
    },
    changeCount,
    cloneOf,
    chooseImage,
    chooseOci,
    chooseOciFile,
    chooseArchive,
    requests: () => toRequests(decided(), names, templateForm, { choice, base, oci: oci.image, ociFile: chosenFile }),
    profileName,
    chooseProfile,
    setProfileName,
    profileChoices: () => toChoices(decided(), templateForm, choice, ociFile.file !== undefined),
    hasPassword: hasPassword(values),
  };
}

function useImages(isWanted: boolean) {
  const ready = useReadyImages();
  const { catalog, isAsking } = useCatalog(isWanted);
  const downloads = useDownloads();
  const rows = useMemo(() => imageRows(catalog, downloads ?? noDownloads), [catalog, downloads]);
  const isLoading = ready === undefined || downloads === undefined || (catalog === undefined && isAsking);
  return { ready: ready ?? noImages, rows, isLoading };
}

/** The last word of a reference's name. */
function nameOfReference(text: string): string {
  const reference = parseOciReference(text);
  if (typeof reference === "string") return "";
  const name = reference.type === "registry" ? reference.repository : ociTitle(reference).replace(/(:[^:/]*| @\d+)$/, "");
  return titleOf(name.replace(/^.*\//, ""));
}

/** What a container of an image is called where nobody says otherwise. */
function nameOfChoice(choice: ImageChoice | undefined): string {
  if (!choice) return "";
  return choice.from === "ready" ? choice.image.title : choice.row.image.distribution;
}

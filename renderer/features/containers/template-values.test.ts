import { describe, expect, it } from "vitest";
import type { Template, TemplateOption } from "../../../privileged-helper/contract/model.ts";
import { explainTyped, optionsOf, templateChoices } from "./template-values.ts";

const option = (kind: TemplateOption["kind"], name: string = kind): TemplateOption => ({
  name,
  kind,
  label: name,
  suggestions: [],
  flag: kind === "yes-no" ? `--${name}` : `--${name}=`,
  isMore: false,
});
const template = (name: string, missingTools: string[] = [], options: TemplateOption[] = []): Template => ({
  name,
  title: name,
  description: "",
  missingTools,
  canInstallTools: false,
  options,
});

describe("what is typed into a template's form", () => {
  const form = [option("word"), option("list"), option("yes-no"), option("password"), option("url")];

  it("is asked for as the values that it stands for", () => {
    const typed = { word: " trixie ", list: "curl, git  vim,", "yes-no": true, password: "secret", url: "http://a.example/debian" };
    expect(optionsOf(form, typed)).toEqual({
      word: "trixie",
      list: ["curl", "git", "vim"],
      "yes-no": true,
      password: "secret",
      url: "http://a.example/debian",
    });
  });

  it("is left out where nothing is, and where the template has no such option", () => {
    expect(optionsOf(form, { word: "  ", list: " , ", "yes-no": false, other: "x" })).toEqual({});
  });

  it("is refused in words where it cannot be taken, and only then", () => {
    expect(explainTyped(option("word"), undefined)).toBeUndefined();
    expect(explainTyped(option("word"), "")).toBeUndefined();
    expect(explainTyped(option("word"), "../x")).toContain("letters, digits");
    expect(explainTyped(option("list"), "curl, a/b")).toContain('"a/b"');
    expect(explainTyped(option("url"), "ftp://a")).toContain("http://");
    // A blank in a password is the person's, not ours to take away.
    expect(explainTyped(option("password"), " secret")).toBeDefined();
  });
});

it("templates that are ready come before those that lack programs", () => {
  const choices = templateChoices([template("debian", ["debootstrap"]), template("busybox"), template("alpine")]);
  expect(choices.map(({ group, items }) => [group, items.map(({ value }) => value)])).toEqual([
    ["Ready", ["busybox", "alpine"]],
    ["Lacking programs", ["debian"]],
  ]);
  expect(templateChoices([template("busybox")])).toHaveLength(1);
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownTemplates } from "./known-templates.ts";
import { templateForm } from "./template-form.ts";
import { parseHelp } from "./template-help.ts";

/** What the templates of LXC 5.0.2 and of Debian's lxc-templates 3.0.4.48 print when they are asked for help. */
const folder = join(import.meta.dirname, "testdata/templates");
const recorded = (name: string) => readFileSync(join(folder, `${name}.txt`), "utf8");
/** A form in short: what is folded away has a plus before it. */
const summary = (options: ReturnType<typeof templateForm>) =>
  options.map(({ flag, kind, isMore }) => `${isMore ? "+ " : ""}${`${flag} ${kind}`.trim()}`);

/** Of every template that has a form, what it may be asked for. */
const forms: Record<string, string[]> = {
  busybox: ["+ --busybox-path choice"],
  debian: [
    "--release= word",
    "--arch= word",
    "--packages= list",
    "+ --mirror= url",
    "+ --security-mirror= url",
    "+ --flush-cache yes-no",
    "+ --enable-non-free yes-no",
  ],
  ubuntu: [
    "--release word",
    "--arch= word",
    "--packages list",
    "--user user",
    "--password password",
    "+ --flush-cache yes-no",
    "+ --variant= word",
    "+ --mirror url",
    "+ --security-mirror url",
  ],
  alpine: ["--release= word", "--arch= word", "list", "+ --flush-cache yes-no", "+ --mirror= url"],
  fedora: ["--release= word", "--arch= word", "--packages= list", "+ --fqdn= word", "+ --mask-tmp yes-no", "+ --mirror= url"],
  devuan: [
    "--release= word",
    "--arch= word",
    "--packages= list",
    "+ --mirror= url",
    "+ --security-mirror= url",
    "+ --flush-cache yes-no",
    "+ --enable-non-free yes-no",
  ],
  kali: ["--release= word", "--arch= word", "--packages= list", "+ --mirror= url", "+ --flush-cache yes-no", "+ --enable-non-free yes-no"],
  archlinux: ["--arch= word", "--packages= list", "--root_password= password", "+ --enable_units= list", "+ --disable_units= list"],
  opensuse: ["--release word"],
  gentoo: [
    "--arch word",
    "--user user",
    "--password password",
    "+ --variant word",
    "+ --private-portage yes-no",
    "+ --flush-cache yes-no",
    "+ --autologin yes-no",
    "+ --settings word",
    "+ --mirror url",
    "+ --tty word",
  ],
  voidlinux: ["--packages= list", "--root_password= password"],
  "ubuntu-cloud": ["--release word", "--arch= word", "+ --stream= choice"],
  cirros: ["--arch choice", "+ --verbose yes-no", "+ --version choice"],
  centos: ["--release= word", "--arch= word", "+ --fqdn= word", "+ --repo= url"],
  oracle: ["--release= word", "--arch= word", "--rpms= list", "+ --url= url", "+ --baseurl= url"],
  slackware: ["--release= word", "--arch= word"],
  altlinux: ["--release= word", "+ --apt-conf= word"],
  openmandriva: ["--release= word", "--arch= word"],
  plamo: ["--release= word", "--arch= word"],
  pld: ["--release= word", "+ --fqdn= word"],
  sabayon: ["--release= word", "--arch= word", "+ --mirror= url"],
  sparclinux: ["--release= word", "--arch= word", "--rpms= list", "+ --url= url", "+ --baseurl= url"],
  "fedora-legacy": ["--release= word", "--arch= word", "+ --fqdn= word", "+ --mask-tmp yes-no"],
  sshd: [],
};

describe("the form of", () => {
  it.each(knownTemplates)("$name is what its help tells, as far as it may be asked for", ({ name, meanings, keepsHelpToItself }) => {
    const help = keepsHelpToItself ? [] : parseHelp(recorded(name));
    expect(summary(templateForm(help, meanings?.()))).toEqual(forms[name]);
  });

  it("every recorded template is known, but for those that are sources of their own", () => {
    const names = readdirSync(folder).map((file) => file.replace(/\.txt$/, ""));
    expect(names.filter((name) => forms[name] === undefined)).toEqual(["download", "local", "oci"]);
    expect(knownTemplates.map(({ name }) => name).sort()).toEqual(Object.keys(forms).sort());
  });

  it("a template that writes before it prints its help is known as well as if it had been asked", () => {
    const sabayon = knownTemplates.find(({ name }) => name === "sabayon");
    expect(sabayon?.keepsHelpToItself).toBe(true);
    expect(summary(templateForm(parseHelp(recorded("sabayon")), sabayon?.meanings?.()))).toEqual(forms.sabayon);
  });

  it("one that nobody knows is made of its help alone, and asks for nothing of this computer", () => {
    for (const name of readdirSync(folder).map((file) => file.replace(/\.txt$/, ""))) {
      const form = templateForm(parseHelp(recorded(name)));
      for (const { name: option } of form)
        expect(option).not.toMatch(/path|rootfs|key|tarball|bind|dir|mapped|userdata|config|^name$|clean/);
    }
    expect(summary(templateForm(parseHelp(recorded("debian"))))).toContain("--release= word");
    expect(summary(templateForm(parseHelp(recorded("archlinux"))))).toContain("+ --enable_units= list");
    expect(templateForm(parseHelp(recorded("local")))).toEqual([]);
  });
});

describe("a help", () => {
  const options = (text: string) => parseHelp(text).map(({ name, flag, argument }) => [name, flag, argument]);

  it("is read in each of the ways that templates are written", () => {
    expect(options("  -r, --release=RELEASE  Which one.")).toEqual([["release", "--release=", "RELEASE"]]);
    expect(options("   -m URL --mirror=URL    The mirror.")).toEqual([["mirror", "--mirror=", "URL"]]);
    expect(options("   -a ARCH, --arch=ARCH   The architecture.")).toEqual([["arch", "--arch=", "ARCH"]]);
    expect(options("  -F | --flush-cache     Flush it")).toEqual([["flush-cache", "--flush-cache", undefined]]);
    expect(options("[ -r | --release <release> ]: Release")).toEqual([["release", "--release", "<release>"]]);
    expect(options("   -a | --arch     A  architecture to use")).toEqual([["arch", "--arch", "A"]]);
    expect(options("usage: x [-p|--packages=<a,b,...>] [--tty <number>]")).toEqual([
      ["packages", "--packages=", "<a,b,...>"],
      ["tty", "--tty", "<number>"],
    ]);
    expect(options("lxc-x -h|--help -p|--path=<path> -r|--release nn.n --clean")).toEqual([
      ["help", "--help", undefined],
      ["path", "--path=", "<path>"],
      ["release", "--release", "nn.n"],
      ["clean", "--clean", undefined],
    ]);
    expect(options("  -s SUITE  Which suite.")).toEqual([["s", "-s", "SUITE"]]);
  });

  it("gives descriptions over several lines, and what it says below its synopsis", () => {
    const [arch] = parseHelp(
      "  -a, --arch=ARCH   The architecture. Can be one of: i686, x86_64,\n                    amd64. Defaults to host arch.\n",
    );
    expect(arch?.description).toBe("The architecture. Can be one of: i686, x86_64, amd64. Defaults to host arch.");
    expect(arch?.suggestions).toEqual(["i686", "x86_64", "amd64"]);
    const [mirror, security] = parseHelp("x [--mirror <url>] [--security-mirror <url>]\nmirror,security-mirror: where from\n");
    expect([mirror?.description, security?.description]).toEqual(["where from", "where from"]);
  });

  it("says nothing where lxc-create is explained, or where a sentence mentions an option", () => {
    expect(options("  lxc-create --name=NAME -t fedora [OPTION..] -- [TEMPLATE_OPTION..]")).toEqual([]);
    expect(options("See also the --mirror switch above. Use -x carefully.")).toEqual([]);
    expect(options("/usr/share/lxc/templates/lxc-x: line 52: pacman: command not found")).toEqual([]);
  });

  it("of anything at all gives options that can be passed on, and takes no longer for it", () => {
    const piece = fc.constantFrom(
      "-",
      "--",
      "=",
      "<",
      ">",
      "[",
      "]",
      "|",
      ", ",
      " ",
      "  ",
      "\n",
      "a",
      "R",
      "release",
      "PATH",
      ":",
      "\u001b[1m",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
        for (const { name, flag, description } of parseHelp(pieces.join(""))) {
          expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]*$/);
          expect(flag === `-${name}` || flag === `--${name}` || flag === `--${name}=`).toBe(true);
          expect(description.length).toBeLessThanOrEqual(300);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in it
          expect(description).not.toMatch(/[\u0000-\u001f]/);
        }
      }),
      { numRuns: 500 },
    );
    for (const repeated of ["-a|", "--a ", "[--a ", "-a, ", "--aaaaaaaa", " ", "a, a", "["])
      parseHelp(repeated.repeat(100_000 / repeated.length));
  });
});

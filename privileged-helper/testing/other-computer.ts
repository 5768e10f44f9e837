import type { HostFacts } from "../lxc/host-facts.ts";

/** Facts of a computer that is not this one: files by path, programs, and what tools print. */
export type OtherComputer = {
  kernelRelease?: string;
  files?: Record<string, string>;
  programs?: readonly string[];
  kernelConfig?: string;
  lxcVersion?: string;
  freeBytes?: number;
  freeFiles?: number;
  answers?: Record<string, string>;
  running?: readonly string[];
  isRootSession?: boolean;
};

export function factsOf(computer: OtherComputer): HostFacts & { asked: string[] } {
  const { files = {}, programs = [], answers = {} } = computer;
  const asked: string[] = [];
  return {
    asked,
    kernelRelease: computer.kernelRelease ?? "6.12.0-test",
    isRootSession: computer.isRootSession ?? false,
    read: (path) => files[path],
    exists: (path) => Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`)),
    list: (path) =>
      Object.keys(files).flatMap((file) => (file.startsWith(`${path}/`) ? [file.slice(path.length + 1).split("/")[0] ?? ""] : [])),
    program: (name) => (programs.includes(name) ? `/usr/bin/${name}` : undefined),
    space: () =>
      computer.freeBytes === undefined
        ? undefined
        : { freeBytes: computer.freeBytes, ...(computer.freeFiles !== undefined && { freeFiles: computer.freeFiles }) },
    kernelConfig: () => (computer.kernelConfig === undefined ? undefined : { path: "/boot/config", text: computer.kernelConfig }),
    lxcVersion: async () => computer.lxcVersion,
    async ask(tool) {
      asked.push(tool);
      return answers[tool];
    },
    runningPrograms: () => [...(computer.running ?? [])],
  };
}

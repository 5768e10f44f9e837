import type { SecurityCheckId, SecurityReport } from "../contract/security.ts";

/** What the form says of a hardened container, as checks. */
const promised: readonly SecurityCheckId[] = [
  "user-namespace",
  "capabilities",
  "system-calls",
  "memory",
  "processes",
  "processor-time",
  "root-mount",
  "suid-files",
];

/** What of a hardened container is not as it was promised, in words; nothing where all of it is. */
export function lackingOf({ findings, grade }: SecurityReport, { isApplication = false } = {}): string[] {
  const wanted: readonly SecurityCheckId[] = isApplication ? [...promised, "new-privileges"] : promised;
  const notOk = findings.filter(({ state }) => state !== "ok" && state !== "not-applicable");
  const words = ({ check, state, summary }: (typeof findings)[number]) => `${check} ${state}: ${summary}`;
  return [
    ...notOk.filter(({ check }) => wanted.includes(check)).map(words),
    ...wanted.filter((check) => !findings.some((one) => one.check === check)),
    ...(grade === "A" || grade === "B" ? [] : [`grade ${grade}`, ...notOk.map(words)]),
  ];
}

import type { AuditFacts } from "./audit-facts.ts";

/** Why nothing can be changed in its files now, as a sentence; undefined where it can. */
export function explainUnchangeable({ layers, running, storage }: Pick<AuditFacts, "layers" | "running" | "storage">): string | undefined {
  if (layers.length === 0) return `Its files lie in no folder: its storage is ${storage}.`;
  // The kernel leaves undefined what an overlay shows whose layers change while it is mounted.
  if (layers.length > 1 && running) return "Its files lie over those of an image or a base. Stop it first, then they can be changed.";
  return undefined;
}

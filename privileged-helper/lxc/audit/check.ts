import type { SecurityFinding } from "../../contract/security.ts";
import type { AuditFacts } from "./audit-facts.ts";

/** What a check says of a container; whether a fix can be taken back, and what was accepted, is known elsewhere. */
export type Judgement = Omit<SecurityFinding, "check" | "canUndo" | "accepted">;
export type SecurityCheck = (facts: AuditFacts) => Judgement | Promise<Judgement>;

import { FactsTable } from "../../ui/facts-table.tsx";
import { summaryOf } from "./create-summary.ts";
import type { CreateChoices } from "./use-create-choices.ts";

/** The last step: what Create will do. */
export function ReviewStep(choices: CreateChoices) {
  return <FactsTable label="What will be made" facts={summaryOf(choices)} />;
}

import { Button } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useClient } from "../../state/connection.ts";
import { closeDialog } from "../../state/dialogs.ts";
import { Dialog, DialogButtons } from "../../ui/dialog.tsx";
import { containerPath } from "../../ui/paths.ts";
import { ReviewStep } from "./review-step.tsx";
import { SettingsStep } from "./settings-step.tsx";
import { SourceStep } from "./source-step.tsx";
import { submitCreate } from "./submit-create.ts";
import { type Opened, useCreateChoices } from "./use-create-choices.ts";

const steps = [
  { title: "Source", Content: SourceStep },
  { title: "Settings", Content: SettingsStep },
  { title: "Review", Content: ReviewStep },
];

/**
 * Asks what to make, and hands it to a task: the dialog closes, and the list and the tasks show how it goes. The first step is enough;
 * Create is there on each.
 */
export function CreateDialog({ cloneFrom, image, again }: Opened) {
  const client = useClient();
  const [, go] = useLocation();
  const [at, setAt] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  /** What gets the focus on the step that is shown next: its heading or, after a Create that was refused, the field to be mended. */
  const focusNext = useRef<"heading" | "field">(undefined);
  const choices = useCreateChoices({ cloneFrom, image, again });
  const { isSourceGood, areSettingsGood } = choices;
  /** The first step that something on has to be mended. */
  const refused = isSourceGood ? (areSettingsGood ? undefined : 1) : 0;
  const moveTo = (step: number, focus: "heading" | "field" = "heading") => {
    focusNext.current = focus;
    setAt(step);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heading is another one then
  useEffect(() => {
    if (focusNext.current === undefined) return;
    const field = heading.current?.closest("form")?.querySelector<HTMLElement>("[aria-invalid='true']");
    (focusNext.current === "field" && field ? field : heading.current)?.focus();
  }, [at]);

  const create = () => {
    if (refused !== undefined) return moveTo(refused, "field");
    choices.ociFile.handOver();
    closeDialog();
    void submitCreate(client, choices.requests(), (name) => go(containerPath(name)));
  };
  const { title, Content } = steps[at] ?? { title: "", Content: SourceStep };
  return (
    <Dialog
      title="Create container"
      needs="create"
      size="lg"
      isSteady
      head={
        <ol className="steps" aria-label="Steps">
          {steps.map((step, index) => (
            <li key={step.title}>
              <button
                type="button"
                className="step"
                aria-current={index === at ? "step" : undefined}
                disabled={refused !== undefined && index > refused}
                onClick={() => moveTo(index)}
              >
                <span className="step-number" aria-hidden>
                  {index + 1}
                </span>
                {step.title}
              </button>
            </li>
          ))}
        </ol>
      }
      buttons={
        <DialogButtons>
          {at > 0 && (
            <Button variant="default" onClick={() => moveTo(at - 1)}>
              Back
            </Button>
          )}
          {at < steps.length - 1 && (
            <Button variant="default" disabled={refused === at} onClick={() => moveTo(at + 1)}>
              Next
            </Button>
          )}
          <Button type="submit" disabled={refused === at}>
            Create
          </Button>
        </DialogButtons>
      }
      onSubmit={(event) => {
        event.preventDefault();
        create();
      }}
    >
      <h3 ref={heading} tabIndex={-1} className="visually-hidden">
        Step {at + 1} of {steps.length}: {title}
      </h3>
      <Content {...choices} />
    </Dialog>
  );
}

import { FactsTable } from "../../ui/facts-table.tsx";
import { toPreview } from "./create-preview.ts";
import { summaryOf } from "./create-summary.ts";
import { PreviewPanel } from "./preview-panel.tsx";
import { SaveProfile } from "./save-profile.tsx";
import type { CreateChoices } from "./use-create-choices.ts";

/** The last step: what Create will do, and a name for that, to choose it again. */
export function ReviewStep(choices: CreateChoices) {
  const { names, choice, images, oci, requests, isSourceGood, areSettingsGood, profileChoices, hasPassword, profileName, setProfileName } =
    choices;
  const [request] = requests();
  const [name = ""] = names;
  return (
    <>
      <FactsTable label="What will be made" facts={summaryOf(choices)} />
      {isSourceGood && areSettingsGood && request && (
        <PreviewPanel request={toPreview(request, name, choice, images.ready, oci.image)} others={names.length - 1} />
      )}
      <SaveProfile
        choices={isSourceGood && areSettingsGood ? profileChoices() : undefined}
        hasPassword={hasPassword}
        name={profileName}
        onSaved={setProfileName}
      />
    </>
  );
}

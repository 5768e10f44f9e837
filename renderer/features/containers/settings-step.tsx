import { SegmentedControl, Text } from "@mantine/core";
import { FirstStartFields } from "./first-start-fields.tsx";
import { OptionFields } from "./option-fields.tsx";
import type { CreateChoices } from "./use-create-choices.ts";

/** The second step: what every container can be asked, and most are not. */
export function SettingsStep({ form, values, host, isUnprivileged, mayReserve, noPackages, isApplication }: CreateChoices) {
  return (
    <>
      <OptionFields
        values={values.more}
        onChanged={(more) => form.setFieldValue("more", more)}
        isClone={values.source === "clone"}
        isUnprivileged={isUnprivileged}
        isApplication={isApplication}
        host={host}
      >
        {mayReserve && (
          <div>
            <Text size="sm" className="field-label" id="address-label">
              Network address
            </Text>
            <Text size="xs" c="dimmed" mb={6}>
              {values.address === "static"
                ? "A free address of the bridge is reserved for it: it can be reached at once."
                : "It asks the network's DHCP server, which takes some seconds."}
            </Text>
            <SegmentedControl
              aria-labelledby="address-label"
              data={[
                { value: "static", label: "Fixed, at once" },
                { value: "dhcp", label: "DHCP" },
              ]}
              {...form.getInputProps("address")}
            />
          </div>
        )}
      </OptionFields>
      {!isApplication && (
        <FirstStartFields
          values={values.firstStart}
          onChanged={(firstStart) => form.setFieldValue("firstStart", firstStart)}
          isStarted={values.start}
          noPackages={noPackages}
        />
      )}
    </>
  );
}

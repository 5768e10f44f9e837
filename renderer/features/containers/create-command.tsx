import { Button, Collapse, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useId } from "react";
import type { Template } from "../../../privileged-helper/contract/model.ts";
import type { TemplateOptions } from "../../../privileged-helper/contract/template-options.ts";
import { CommandBlock } from "../../ui/code-block.tsx";
import { commandOf } from "./template-values.ts";

type Props = {
  template: Template;
  name: string;
  lxcPath: string /** Absent while something that was typed is refused. */;
  options?: TemplateOptions;
};

/** What Create will run, to be read and copied before. */
export function CreateCommand({ template, name, lxcPath, options }: Props) {
  const id = useId();
  const [isOpen, { toggle }] = useDisclosure(false);
  return (
    <div>
      <Button variant="subtle" size="compact-sm" px={4} aria-expanded={isOpen} aria-controls={id} onClick={toggle}>
        {isOpen ? "Hide command" : "Show command"}
      </Button>
      <Collapse expanded={isOpen} id={id}>
        {options ? (
          <CommandBlock
            title="Create runs this as root"
            label="Command of Create"
            commands={[commandOf(template, name, lxcPath, options)]}
          />
        ) : (
          <Text size="sm" c="dimmed">
            It is shown as soon as everything above can be taken.
          </Text>
        )}
      </Collapse>
    </div>
  );
}

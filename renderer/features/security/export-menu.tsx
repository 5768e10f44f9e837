import { Button, Menu } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import type { ReportFormat, SecurityReportFile } from "../../../privileged-helper/contract/security.ts";
import { useClient } from "../../state/connection.ts";
import { useIsLive } from "../../state/live.ts";
import { exportName, saveFile } from "../../ui/save-file.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";

const files: Record<SecurityReportFile["type"], { extension: string; mime: string }> = {
  json: { extension: "json", mime: "application/json" },
  pdf: { extension: "pdf", mime: "application/pdf" },
  page: { extension: "html", mime: "text/html" },
};

/** Saves a report as a file. @param props.name Of a container; without, it is about all of them and this computer. */
export function ExportMenu({ name, isCompact = false }: { name?: string; isCompact?: boolean }) {
  const client = useClient();
  const isLive = useIsLive();
  const [isMaking, setIsMaking] = useState(false);
  const save = async (format: ReportFormat) => {
    setIsMaking(true);
    try {
      const { type, content } = await client.call("reports.security", { format, ...(name !== undefined && { name }) });
      const { extension, mime } = files[type];
      const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
      saveFile(exportName(`Security of ${name ?? "all containers"}`, new Date(), extension), new Blob([bytes], { type: mime }));
      if (type === "page") showDone("No PDF can be made here, so the report is a web page. Open it and print it to a file.");
    } catch (error) {
      showProblem(error, () => save(format));
    } finally {
      setIsMaking(false);
    }
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button
          size={isCompact ? "compact-sm" : "sm"}
          variant="default"
          leftSection={<IconDownload size={isCompact ? 14 : 16} aria-hidden />}
          loading={isMaking}
          disabled={!isLive}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void save("pdf")}>PDF, to read</Menu.Item>
        <Menu.Item onClick={() => void save("json")}>JSON, for programs</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

import { Alert, Badge, Card, Group, SimpleGrid, Skeleton, Text, Title } from "@mantine/core";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { formatList } from "../../ui/format.ts";
import { ProblemView } from "../../ui/problem-view.tsx";

const askTemplates = (client: Client) => client.call("templates.list", {});

/** LXC's own recipes, which build a container here. */
export function TemplatesList() {
  const { answer: templates, problem, askAgain } = useAnswer(askTemplates);
  return (
    <section aria-labelledby="templates-heading">
      <Title order={2} size="h4" id="templates-heading" mt="xl" mb={4}>
        Templates
      </Title>
      <Text size="sm" mb="md" maw={720}>
        A template builds a container on this computer. These are installed here.
      </Text>
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {!templates && !problem && <Skeleton height={90} role="status" aria-label="Loading templates" />}
      {templates?.length === 0 && (
        <Text size="sm">None. Install your distribution's package with LXC's templates (lxc-templates), then open this page again.</Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} component="ul" className="plain-list" aria-label="Templates">
        {(templates ?? []).map(({ name, title, description, needsNetwork, missingTools }) => (
          <Card key={name} component="li" withBorder padding="md">
            <Group justify="space-between" mb={4} wrap="nowrap">
              <Text fw={600}>{title}</Text>
              {needsNetwork !== undefined && (
                <Badge variant="light" color={needsNetwork ? "gray" : "teal"} tt="none">
                  {needsNetwork ? "Downloads" : "Works offline"}
                </Badge>
              )}
            </Group>
            <Text size="sm">{description}</Text>
            {missingTools.length > 0 && (
              <Text size="sm" mt="xs" className="warning">
                Needs {formatList(missingTools)}, not installed here.
              </Text>
            )}
          </Card>
        ))}
      </SimpleGrid>
    </section>
  );
}

import { Text, Title } from "@mantine/core";
import { memo } from "react";
import type { HistoryEvent } from "../../../privileged-helper/contract/history.ts";
import { eventText } from "../../ui/event-text.ts";
import { formatMoment } from "../../ui/format.ts";
import { useNow } from "../../ui/use-now.ts";

const shownEvents = 20;
const everyMinute = 60_000;

/** What happened in the last days, the newest first: the same that is marked in the charts. */
export const EventList = memo(function EventList({ events }: { events: readonly HistoryEvent[] }) {
  const now = useNow(everyMinute);
  const newest = events.slice(-shownEvents).reverse();
  return (
    <section aria-labelledby="events-title">
      <Title order={2} size="h5" mb="xs" id="events-title">
        What happened
      </Title>
      {newest.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing that was recorded in the last 7 days.
        </Text>
      ) : (
        <ul className="plain-list event-list" aria-labelledby="events-title">
          {newest.map((event) => (
            <li key={`${event.time} ${event.container} ${event.kind}`}>
              <span className="figure muted">{formatMoment(event.time, now)}</span> {eventText(event)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
});

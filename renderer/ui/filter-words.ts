/** The words of a filter, each of which has to be found; in small letters, as what is searched has to be. */
export function filterWords(filter: string): string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean);
}

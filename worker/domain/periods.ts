/** How often a service is checked: the exporter keeps to it, and the edge knows by it how old a result can be. */
import { DEFAULT_CATEGORY, type Category } from '../contract/report.ts'

/** s by service: the shortest of the refresh rates that its categories name, where any does. */
export function findPeriods(
  categories: Category[],
  services: string[],
): Map<string, number | undefined> {
  const rates = categories.flatMap(({ name, services: own, refreshSeconds }) =>
    refreshSeconds === undefined
      ? []
      : [{ refreshSeconds, own: name === DEFAULT_CATEGORY ? null : new Set(own) }],
  )
  return new Map(
    services.map((service) => {
      const named = rates.filter(({ own }) => own === null || own.has(service))
      const seconds = named.map(({ refreshSeconds }) => refreshSeconds)
      return [service, seconds.length === 0 ? undefined : Math.min(...seconds)]
    }),
  )
}

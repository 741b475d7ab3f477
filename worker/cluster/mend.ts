/** What another version of the Worker stored: made anew, or dropped, once in the life of an object. */
import { judgeServices, observeCategories } from '../domain/verdict.ts'
import { splitLargeRows } from './event-log.ts'
import * as storage from './storage.ts'

export function mend(stored: DurableObjectStorage): void {
  const { sql } = stored
  if (storage.areFactsUnreadable(sql)) {
    const content = storage.loadContent(sql)
    const services = content && judgeServices(content, storage.loadMemory(sql))
    storage.saveFacts(sql, content && services ? observeCategories(content, services) : [])
  }
  storage.dropUnreadable(sql)
  stored.transactionSync(() => {
    if (storage.takeUnsplitHistory(sql)) splitLargeRows(sql)
  })
}

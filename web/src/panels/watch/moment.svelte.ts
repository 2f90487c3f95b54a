// Where a change of a live setting begins: shared by all settings of the page.
export const moment = $state({ here: true });

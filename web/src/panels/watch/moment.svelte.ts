// Where a change of a live setting begins: shared by all settings of the page.
class Moment {
  here = $state(true);
}
export const moment = new Moment();

/** Times in the reader's own zone and language. */

/** They cost far more to make than to use, and a page has a time in every post. @type {Map<string, Intl.DateTimeFormat[]>} */
const formatters = new Map();

/** @param {string} [language] @param {string} [timeZone] */
const formattersFor = (language, timeZone) => {
  const key = `${language} ${timeZone}`;
  const found = formatters.get(key) ?? [
    new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone }),
    new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'long', timeZone }),
  ];
  formatters.set(key, found);
  return found;
};

/**
 * The text and title of a time, or nothing where `datetime` is not a moment (a date, a duration).
 * @param {string} datetime
 * @param {string} [language]
 * @param {string} [timeZone] default: the reader's
 */
export const timeTexts = (datetime, language, timeZone) => {
  const moment = new Date(datetime);
  if (!/^\d{4}-\d\d-\d\d[T ]\d/.test(datetime) || Number.isNaN(+moment)) return;
  const [text, title] = formattersFor(language, timeZone).map((formatter) => formatter.format(moment));
  return { text, title };
};

/**
 * @param {Element} root
 * @param {string} [language] a language that browsers do not know leaves the times as they are
 */
export const localiseTimes = (root, language) => {
  for (const time of root.querySelectorAll('time')) {
    if (time.closest('[data-live-time=off]')) continue;
    try {
      const texts = timeTexts(time.dateTime, language);
      if (texts) {
        time.textContent = texts.text;
        time.title ||= texts.title;
      }
    } catch {
      return;
    }
  }
};

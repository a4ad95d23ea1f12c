/** Times in the reader's own zone and language. */

/**
 * The text and title of a time, or nothing where `datetime` is not a moment (a date, a duration).
 * @param {string} datetime
 * @param {string} [language]
 * @param {string} [timeZone] default: the reader's
 */
export const timeTexts = (datetime, language, timeZone) => {
  const moment = new Date(datetime);
  if (!/^\d{4}-\d\d-\d\d[T ]\d/.test(datetime) || Number.isNaN(+moment)) return;
  const format = (/** @type {'medium' | 'full'} */ dateStyle, /** @type {'short' | 'long'} */ timeStyle) =>
    new Intl.DateTimeFormat(language, { dateStyle, timeStyle, timeZone }).format(moment);
  return { text: format('medium', 'short'), title: format('full', 'long') };
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

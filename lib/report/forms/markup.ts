// Text inside markup. Names come from whoever posted a manifest: none may become an element, an attribute or a broken document.

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

// what XML 1.0 has no way to write, not even as a reference: controls, halves of surrogate pairs, two non-characters
// eslint-disable-next-line no-control-regex
const unwritable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** For the text and the quoted attributes of HTML and XML. */
export const escapeMarkup = (text: string): string =>
  text.replace(unwritable, '\ufffd').replace(/[&<>"']/g, (character) => entities[character] ?? '')

/** Lines to be copied: as they stand, without the controls that a terminal or a reader could stumble over. */
export const codeText = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/\r\n?|[\u2028\u2029]/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').trimEnd()

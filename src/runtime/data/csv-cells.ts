import { LvmError } from "../error.js";

/** Where a cell stands: data row from 1 (the header is row 0), line of the file from 1. */
export interface CsvRow {
  readonly row: number;
  readonly line: number;
}

/**
 * Splits CSV text (RFC 4180) and hands over each row's cells: quoted cells may hold delimiters, line breaks and doubled quotes; lines end in
 * LF, CRLF or CR; blank lines are skipped where there is more than one column. The array is reused from row to row.
 *
 * @throws LvmError LVM7009 for a quote that is not closed or stands inside a cell, with row and line
 */
export function scanCsv(text: string, delimiter: string, file: string, onRow: (cells: readonly string[], place: CsvRow) => void): void {
  const delimiterCode = delimiter.charCodeAt(0);
  const length = text.length;
  const cells: string[] = [];
  let at = text.charCodeAt(0) === byteOrderMark ? 1 : 0;
  let line = 1;
  let row = 0;
  let columns = 0;
  while (at < length) {
    const place = { row, line };
    cells.length = 0;
    for (;;) {
      if (text.charCodeAt(at) === quote) {
        let cell = "";
        let from = at + 1;
        for (;;) {
          const close = text.indexOf('"', from);
          if (close < 0) throw badQuote(file, place, cells.length, "the quote that opens it is never closed");
          cell += text.slice(from, close);
          at = close + 1;
          if (text.charCodeAt(at) !== quote) break;
          cell += '"';
          from = at + 1;
        }
        for (let i = cell.indexOf("\n"); i >= 0; i = cell.indexOf("\n", i + 1)) line++;
        cells.push(cell);
        if (at < length && text.charCodeAt(at) !== delimiterCode && !isLineEnd(text.charCodeAt(at))) throw badQuote(file, place, cells.length - 1, `${JSON.stringify(text[at])} follows its closing quote`);
      } else {
        const begin = at;
        let code = 0;
        while (at < length && (code = text.charCodeAt(at)) !== delimiterCode && code !== lineFeed && code !== carriageReturn) {
          if (code === quote) throw badQuote(file, place, cells.length, "a quote stands inside a cell that has none at its beginning");
          at++;
        }
        cells.push(text.slice(begin, at));
      }
      if (at < length && text.charCodeAt(at) === delimiterCode) at++;
      else break;
      if (at === length) {
        cells.push("");
        break;
      }
    }
    if (at < length) {
      if (text.charCodeAt(at) === carriageReturn && text.charCodeAt(at + 1) === lineFeed) at++;
      at++;
      line++;
    }
    const blank = cells.length === 1 && cells[0] === "";
    if (row === 0 && blank) continue;
    if (row === 0) columns = cells.length;
    if (blank && columns > 1) continue;
    onRow(cells, place);
    row++;
  }
}

function isLineEnd(code: number): boolean {
  return code === lineFeed || code === carriageReturn;
}

function badQuote(file: string, place: CsvRow, column: number, what: string): LvmError {
  return new LvmError("LVM7009", `${file}: row ${place.row} (line ${place.line}), column ${column + 1}: ${what}`, {
    facts: { file, row: place.row, line: place.line, column: column + 1 },
    help: 'a cell that holds a quote is written in quotes, with the quote doubled: "say ""hi"""',
  });
}

const quote = 34;
const lineFeed = 10;
const carriageReturn = 13;
const byteOrderMark = 0xfeff;

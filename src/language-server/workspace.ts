import { TextDocument, type TextDocumentContentChangeEvent } from "vscode-languageserver-textdocument";
import type { SourceFile } from "../diagnostics/span.js";
import { type Analysis, analyze, readSyntax, type Syntax } from "./analysis.js";

/** What the server reads beside the documents that an editor has opened. A browser has neither. */
export interface Host {
  /** Text of a model file; undefined where there is none. */
  read(uri: string): string | undefined;
  /** Addresses of the model files in the folders of a workspace. */
  list(folders: readonly string[]): readonly string[];
  /** Where a diagnostic code is explained. */
  pageOf(code: string): string | undefined;
}

interface Entry {
  readonly analysis: Analysis;
  /** Every file that the analysis has read, with its text at that time; undefined where there was none. */
  readonly read: ReadonlyMap<string, string | undefined>;
}

/** The documents of an editor and what is known of them. It lives as long as the connection. */
export class Workspace {
  readonly documents = new Map<string, TextDocument>();
  private readonly entries = new Map<string, Entry>();
  private readonly trees = new Map<string, Syntax>();
  /** Addresses by source: a source's path is for people. */
  private readonly addresses = new WeakMap<SourceFile, string>();
  /** Texts of files that no editor has opened, until something on disk changes. */
  private readonly disk = new Map<string, string | undefined>();
  private listed: readonly string[] | undefined;
  /** Folders of the workspace: paths in messages are relative to them. */
  folders: readonly string[] = [];

  constructor(readonly host: Host) {}

  open(uri: string, version: number, text: string): void {
    this.documents.set(uri, TextDocument.create(uri, "lvm", version, text));
  }

  change(uri: string, version: number, changes: TextDocumentContentChangeEvent[]): void {
    const document = this.documents.get(uri);
    if (document) TextDocument.update(document, changes, version);
  }

  close(uri: string): void {
    this.documents.delete(uri);
    this.entries.delete(uri);
    this.trees.delete(uri);
    this.disk.delete(uri);
  }

  /** Something on disk changed: what was read there is read again. */
  forgetDisk(): void {
    this.disk.clear();
    this.listed = undefined;
  }

  /** What is known of a file, of its present text; undefined where there is no such file. */
  analysis(uri: string): Analysis | undefined {
    const known = this.entries.get(uri);
    if (known && [...known.read].every(([each, text]) => this.textOf(each) === text)) return known.analysis;
    const syntax = this.syntax(uri);
    if (!syntax) return undefined;
    const { source } = syntax;
    const read = new Map<string, string | undefined>([[uri, source.text]]);
    const sources = new Map<string, SourceFile>([[uri, source]]);
    const sourceOf = (address: string, content: string): SourceFile => {
      const source = sources.get(address) ?? { path: this.pathOf(address), text: content };
      sources.set(address, source);
      this.addresses.set(source, address);
      return source;
    };
    const load = (path: string, from: SourceFile): SourceFile | undefined => {
      const address = resolve(path, this.uriOf(from));
      if (address === undefined) return undefined;
      const content = this.textOf(address);
      read.set(address, content);
      return content === undefined ? undefined : sourceOf(address, content);
    };
    const analysis = analyze(source, load, syntax);
    this.entries.set(uri, { analysis, read });
    return analysis;
  }

  /** The tree and the names of a file's present text; undefined where there is no such file. Much less work than `analysis`, and all that many features ask for. */
  syntax(uri: string): Syntax | undefined {
    const text = this.textOf(uri);
    if (text === undefined) return undefined;
    const known = [this.entries.get(uri)?.analysis, this.trees.get(uri)].find((each) => each?.source.text === text);
    if (known) return known;
    const source: SourceFile = { path: this.pathOf(uri), text };
    this.addresses.set(source, uri);
    const syntax = readSyntax(source);
    this.trees.set(uri, syntax);
    return syntax;
  }

  /** The address of a source that an analysis of this workspace has read. */
  uriOf(source: SourceFile): string {
    return this.addresses.get(source) ?? source.path;
  }

  /** Where an import of this file leads. */
  resolve(path: string, from: SourceFile): string | undefined {
    return resolve(path, this.uriOf(from));
  }

  /** Open documents that were read by an analysis of them, this one's own included. */
  readers(uri: string): readonly string[] {
    return [...this.documents.keys()].filter((each) => each === uri || this.entries.get(each)?.read.has(uri));
  }

  /** All model files: those that are open and those on disk. */
  files(): readonly string[] {
    this.listed ??= this.host.list(this.folders);
    return [...new Set([...this.documents.keys(), ...this.listed])];
  }

  /** A file's present text: an open document's, else that on disk. */
  textOf(uri: string): string | undefined {
    const document = this.documents.get(uri);
    if (document) return document.getText();
    if (!this.disk.has(uri)) this.disk.set(uri, this.host.read(uri));
    return this.disk.get(uri);
  }

  private pathOf(uri: string): string {
    const folder = this.folders.find((each) => uri.startsWith(`${each}/`));
    const path = folder === undefined ? uri.slice(uri.lastIndexOf("/") + 1) : uri.slice(folder.length + 1);
    try {
      return decodeURIComponent(path);
    } catch {
      return path;
    }
  }
}

/** An import's address: relative paths only. */
function resolve(path: string, from: string): string | undefined {
  if (/^[/\\~]/.test(path) || /^[a-z][a-z0-9+.-]*:/i.test(path) || path.includes("\0")) return undefined;
  try {
    return new URL(path.split("/").map(encodeURIComponent).join("/"), from).href;
  } catch {
    return undefined;
  }
}

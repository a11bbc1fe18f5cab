/** An arc of a network; a capacity may be Infinity. */
export interface Arc {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
}

/**
 * The cheapest way to cut node 1 (the sink) off from node 0 (the source), by the largest flow (Dinic 1970): for each node whether it stands on the sink's side. Of equal cuts that
 * with the fewest nodes there. Capacities are whole numbers or Infinity; no path of infinite arcs leads from the source to the sink.
 */
export function minCut(nodes: number, arcs: readonly Arc[]): boolean[] {
  // Arc e and its reverse e ^ 1.
  const out: number[][] = Array.from({ length: nodes }, () => []);
  const [to, left]: [number[], number[]] = [[], []];
  for (const { from, to: end, capacity } of arcs) {
    if (capacity <= 0) continue;
    out[from]!.push(to.length);
    to.push(end);
    left.push(capacity);
    out[end]!.push(to.length);
    to.push(from);
    left.push(0);
  }
  for (;;) {
    const level = new Array<number>(nodes).fill(-1);
    level[0] = 0;
    const queue = [0];
    for (const node of queue) {
      for (const arc of out[node]!) {
        if (left[arc]! <= 0 || level[to[arc]!]! >= 0) continue;
        level[to[arc]!] = level[node]! + 1;
        queue.push(to[arc]!);
      }
    }
    if (level[1]! < 0) break;
    const next = new Array<number>(nodes).fill(0);
    const path: number[] = [];
    // Depth first, without recursion: programs are long chains.
    for (let node = 0; ; ) {
      if (node === 1) {
        const flow = path.reduce((least, arc) => Math.min(least, left[arc]!), Infinity);
        for (const arc of path) {
          left[arc]! -= flow;
          left[arc ^ 1]! += flow;
        }
        path.length = path.findIndex((arc) => left[arc]! <= 0);
        node = path.length === 0 ? 0 : to[path.at(-1)!]!;
        continue;
      }
      const arc = out[node]![next[node]!];
      if (arc === undefined) {
        const back = path.pop();
        if (back === undefined) break;
        node = to[back ^ 1]!;
        next[node]!++;
      } else if (left[arc]! > 0 && level[to[arc]!] === level[node]! + 1) {
        path.push(arc);
        node = to[arc]!;
      } else next[node]!++;
    }
  }
  const sink = new Array<boolean>(nodes).fill(false);
  sink[1] = true;
  const queue = [1];
  for (const node of queue) {
    for (const arc of out[node]!) {
      const from = to[arc]!;
      if (left[arc ^ 1]! <= 0 || sink[from]) continue;
      sink[from] = true;
      queue.push(from);
    }
  }
  return sink;
}

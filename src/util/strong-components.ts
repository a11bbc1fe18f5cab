/** For each node the number of its strongly connected component (Tarjan 1972), without recursion. `edges`: for each node those that it leads to. */
export function strongComponents(edges: readonly (readonly number[])[]): readonly number[] {
  const component = new Array<number>(edges.length).fill(-1);
  const index = new Array<number>(edges.length).fill(-1);
  const low = new Array<number>(edges.length).fill(0);
  const open: number[] = [];
  let visited = 0;
  let components = 0;
  for (let root = 0; root < edges.length; root++) {
    if (index[root] !== -1) continue;
    const work: { readonly node: number; next: number }[] = [{ node: root, next: 0 }];
    for (let top = work[work.length - 1]; top; top = work[work.length - 1]) {
      const { node } = top;
      if (top.next === 0) {
        index[node] = low[node] = visited++;
        open.push(node);
      }
      const target = edges[node]?.[top.next++];
      if (target !== undefined) {
        if (index[target] === -1) work.push({ node: target, next: 0 });
        else if (component[target] === -1) low[node] = Math.min(low[node] ?? 0, index[target] ?? 0);
        continue;
      }
      work.pop();
      const parent = work[work.length - 1];
      if (parent) low[parent.node] = Math.min(low[parent.node] ?? 0, low[node] ?? 0);
      if (low[node] !== index[node]) continue;
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        component[member] = components;
        if (member === node) break;
      }
      components++;
    }
  }
  return component;
}

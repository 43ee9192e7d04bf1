// A rule for eslint: a class declares its fields, above its constructor or in it, so that a reader finds all it knows in one place.

/** What is set on `this`, by an assignment: its name, or null. */
const fieldOf = (node) =>
  node.type === "MemberExpression" && node.object.type === "ThisExpression" && !node.computed ? node.property.name : null

export default {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { undeclared: "this.{{ name }} is not declared, neither as a field nor in the constructor." },
  },
  create(context) {
    const classes = []
    const method = () => classes.at(-1)?.methods.at(-1)
    return {
      ClassBody(node) {
        const declared = new Set(
          node.body.filter((each) => each.type === "PropertyDefinition" || each.kind === "set").map((each) => each.key.name),
        )
        classes.push({ node: node.parent, declared, methods: [], late: [] })
      },
      MethodDefinition(node) {
        classes.at(-1).methods.push(node.kind)
      },
      "MethodDefinition:exit"() {
        classes.at(-1).methods.pop()
      },
      "AssignmentExpression > MemberExpression.left"(node) {
        const name = fieldOf(node)
        if (!name || !method()) return
        if (method() === "constructor") classes.at(-1).declared.add(name)
        else classes.at(-1).late.push({ node, name })
      },
      "ClassBody:exit"() {
        const held = classes.pop()
        for (const { node, name } of held.late) {
          if (!held.declared.has(name)) context.report({ node, messageId: "undeclared", data: { name } })
        }
      },
    }
  },
}

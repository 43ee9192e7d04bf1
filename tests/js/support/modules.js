// The scripts of assets/ are modules, which browsers know by the way they are asked for; Node is told so here.
import { register } from "node:module"

const asModule = `
export async function load(address, context, next) {
  return next(address, address.includes("/assets/") ? { ...context, format: "module" } : context)
}`
register(`data:text/javascript,${encodeURIComponent(asModule)}`)

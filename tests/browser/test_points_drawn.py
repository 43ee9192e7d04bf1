"""Both painters of points draw the same picture, and a map of very many points finds the one under the pointer at once."""

import pytest

# A cloud of points with all that can be drawn of it; its picture as mean colors of 20 x 15 fields, so that neighboring shades do not count.
DRAW = """
async ([painter, deep, back, pictures]) => {
  const { Cloud } = await import("/assets/points/cloud.js")
  const canvas = document.createElement("canvas")
  canvas.style.cssText = "display:block;width:400px;height:300px"
  document.body.replaceChildren(canvas)
  const cloud = new Cloud(canvas, {}, painter)
  const count = 600
  cloud.clear(count)
  const symbols = ["circle", "square", "star", "ring"], colors = ["#d7303e", "#2f9e4f", "#3c6fe0", "#ddbb12"]
  const frame = Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(i * 12.9898) * (i % 3 < 2 || deep ? 1 : 0))
  const lit = back ? Uint8Array.from({ length: count }, (_, i) => i % 2) : null
  cloud.paint(Array.from(symbols.keys(), (i) => i).concat(Array.from({ length: count - 4 }, (_, i) => i % 4)),
    symbols.map((symbol, i) => ({ symbol, color: colors[i] })), lit, { background: "#ffffff", text: "#000000", dark: false })
  if (pictures) {
    const sheet = document.createElement("canvas")
    sheet.width = sheet.height = 25 * 16
    const pen = sheet.getContext("2d")
    for (let i = 0; i < count; i++) {
      pen.fillStyle = colors[(i + 1) % 4]
      pen.fillRect((i % 25) * 16, Math.floor(i / 25) * 16, 16, 16)
    }
    const picture = new Image()
    picture.src = sheet.toDataURL()
    await picture.decode()
    cloud.show(picture, { tile: 16, columns: 25 })
  }
  cloud.glide(frame, [0, 0, 0, 1.2], { flat: !deep })
  for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame)
  cloud.mark({ hovered: 3 })
  cloud.render()
  const small = document.createElement("canvas")
  Object.assign(small, { width: 20, height: 15 })
  const pen = small.getContext("2d")
  pen.imageSmoothingQuality = "high"
  pen.drawImage(canvas, 0, 0, 20, 15)
  const kind = cloud.painter.constructor.name
  cloud.remove()
  return [kind, [...pen.getImageData(0, 0, 20, 15).data]]
}
"""


@pytest.mark.parametrize(
    ("deep", "back", "pictures"),
    [(False, False, False), (False, True, False), (True, False, False), (False, True, True), (True, False, True)],
)
def test_the_graphics_card_and_the_raster_draw_the_same_picture(scripts, deep, back, pictures):
    drawn = {painter: scripts.evaluate(DRAW, [painter, deep, back, pictures]) for painter in ("raster", "webgl")}
    (one, ours), (other, theirs) = drawn["raster"], drawn["webgl"]
    assert (one, other) == ("RasterPainter", "WebGLPainter")
    differences = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    plain = scripts.evaluate(DRAW, ["raster", not deep, back, pictures])[1]
    assert max(differences) < 40 and sum(differences) / len(differences) < 4
    assert sum(abs(a - b) for a, b in zip(ours, plain, strict=True)) > 5 * sum(differences)  # another picture differs far more


NEAREST = """
async () => {
  const { Cloud } = await import("/assets/points/cloud.js")
  const canvas = document.createElement("canvas")
  canvas.style.cssText = "display:block;width:400px;height:300px"
  document.body.replaceChildren(canvas)
  const hovered = [], lassoed = []
  const cloud = new Cloud(canvas, { hover: (i) => hovered.push(i), lasso: (all) => lassoed.push(all) }, "raster")
  cloud.clear(3)
  cloud.glide(Float32Array.of(-1, 0, 0, 0, 0, 0, 1, 0, 0), [0, 0, 0, 1.5])
  for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame)
  const box = canvas.getBoundingClientRect()
  const send = (type, x, y, more = {}) =>
    canvas.dispatchEvent(new PointerEvent(type, { clientX: box.x + x, clientY: box.y + y, pointerId: 1, bubbles: true, ...more }))
  canvas.setPointerCapture = () => {}
  send("pointermove", 303, 152)
  send("pointermove", 10, 10)
  send("pointerdown", 150, 100, { shiftKey: true })
  for (const [x, y] of [[250, 100], [250, 200], [150, 200]]) send("pointermove", x, y)
  send("pointerup", 150, 200)
  cloud.remove()
  return [hovered, lassoed, cloud.place(1)]
}
"""


def test_the_point_under_the_pointer_is_found_and_a_lasso_holds_what_it_surrounds(scripts):
    hovered, lassoed, middle = scripts.evaluate(NEAREST)
    assert hovered[:1] == [2] and lassoed == [[1]] and middle == [200, 150]

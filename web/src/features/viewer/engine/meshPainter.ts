// Draws a surface model by WebGL: triangles lit from the eye, both sides alike.
import type { Mesh, Rotation } from '../model/objects/mesh'

const VERTEX = `#version 300 es
in vec3 corner; in vec3 normal;
uniform mat3 turn; uniform vec3 center; uniform vec2 scale; uniform float depth;
out vec3 facing;
void main() {
  vec3 at = turn * (corner - center);
  facing = turn * normal;
  gl_Position = vec4(at.xy * scale, -at.z * depth, 1.0);
}`
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 facing; uniform vec3 color; out vec4 pixel;
void main() {
  float light = abs(normalize(facing).z);
  float side = max(0.0, dot(normalize(facing), normalize(vec3(-0.5, 0.6, 0.6))));
  pixel = vec4(color * (0.22 + 0.58 * light + 0.2 * side), 1.0);
}`

export class MeshPainter {
  private readonly gl: WebGL2RenderingContext
  private readonly program: WebGLProgram
  private readonly count: number
  private readonly mesh: Mesh

  /** Throws when the browser draws no WebGL. */
  constructor(canvas: HTMLCanvasElement, mesh: Mesh) {
    const gl = canvas.getContext('webgl2', { antialias: true, preserveDrawingBuffer: true })
    if (!gl) throw new Error('This browser cannot draw three-dimensional models (WebGL 2 is off).')
    this.gl = gl
    this.mesh = mesh
    this.count = mesh.corners.length / 3
    this.program = this.link()
    this.fill('corner', mesh.corners)
    this.fill('normal', mesh.normals)
    gl.enable(gl.DEPTH_TEST)
  }

  private link(): WebGLProgram {
    const { gl } = this
    const program = gl.createProgram()
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(kind)
      if (!shader) throw new Error('The graphics card refuses to draw.')
      gl.shaderSource(shader, source)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error('The graphics card refuses to draw.')
    gl.useProgram(program)
    return program
  }

  private fill(name: string, values: Float32Array): void {
    const { gl } = this
    const place = gl.getAttribLocation(this.program, name)
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer())
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW)
    gl.enableVertexAttribArray(place)
    gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0)
  }

  /** @param zoom 1: all of it fits, whichever way it is turned */
  draw(turn: Rotation, zoom: number, width: number, height: number): void {
    const { gl, mesh, program } = this
    const { canvas } = gl
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
    gl.viewport(0, 0, width, height)
    gl.clearColor(0, 0, 0, 1)
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
    const side = Math.min(width, height)
    const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name)
    gl.uniformMatrix3fv(at('turn'), true, turn)
    gl.uniform3fv(at('center'), mesh.center)
    gl.uniform2f(at('scale'), (zoom * side) / (width * mesh.radius * 1.05), (zoom * side) / (height * mesh.radius * 1.05))
    gl.uniform1f(at('depth'), 0.9 / mesh.radius)
    gl.uniform3f(at('color'), 0.91, 0.85, 0.74)
    gl.drawArrays(gl.TRIANGLES, 0, this.count)
  }

  /** Gives the card's memory back at once. */
  dispose(): void {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext()
  }
}

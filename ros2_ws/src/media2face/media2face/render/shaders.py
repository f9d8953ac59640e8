"""GLSL of the off-screen renderer: shadow pass, backdrop, head, bust."""

from __future__ import annotations

# Where a vertex ends up: the skull follows the head pose, the foot of the neck stays.
_PLACE = """
uniform mat3 head_rotation;
uniform vec3 head_position;
vec3 place(vec3 p, float follow) { return mix(p, head_rotation * p + head_position, follow); }
"""

DEPTH_VERTEX = (
    """
#version 330
in vec3 in_position;
in float in_follow;
uniform mat4 light_matrix;
"""
    + _PLACE
    + """
void main() { gl_Position = light_matrix * vec4(place(in_position, in_follow), 1.0); }
"""
)

DEPTH_FRAGMENT = """
#version 330
void main() {}
"""

BACKDROP_VERTEX = """
#version 330
in vec2 in_position;
out vec2 v_at;
void main() { v_at = in_position; gl_Position = vec4(in_position, 0.9999, 1.0); }
"""

BACKDROP_FRAGMENT = """
#version 330
in vec2 v_at;
out vec4 colour;
uniform float aspect;
void main() {
    float r = length((v_at - vec2(0.0, 0.1)) * vec2(aspect, 1.0));
    vec3 c = mix(vec3(0.50, 0.545, 0.575), vec3(0.20, 0.235, 0.275), smoothstep(0.05, 1.5, r));
    // One step of ordered noise keeps the gradient from banding in H.264.
    float n = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453) - 0.5;
    colour = vec4(c + n / 128.0, 1.0);
}
"""

_DISPLAY = """
vec3 display(vec3 c) {
    // Filmic curve (a soft shoulder instead of clipped highlights), then gamma 2.
    c = max(c, 0.0) * 0.80;
    c = (c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14);
    return sqrt(clamp(c, 0.0, 1.0));
}
"""

_LIGHT = """
uniform vec3 camera_position;
uniform vec3 key_direction;
uniform sampler2DShadow shadow_map;

const vec3 KEY = vec3(1.62, 1.50, 1.36);
const vec3 FILL = vec3(0.36, 0.42, 0.50);
const vec3 RIM = vec3(0.85, 0.92, 1.00);
const vec3 FILL_DIRECTION = normalize(vec3(0.72, -0.68, 0.10));
const vec3 RIM_DIRECTION = normalize(vec3(-0.62, -0.62, 0.48));
const vec3 SKY = vec3(0.42, 0.45, 0.49);
const vec3 GROUND = vec3(0.25, 0.21, 0.19);

float shadow(vec3 at, float facing) {
    // Wider bias at grazing angles; four bilinear taps make a soft edge.
    float bias = 0.004 + 0.010 * (1.0 - clamp(facing, 0.0, 1.0));
    float sum = 0.0;
    const float r = 1.4 / 512.0;
    sum += textureLod(shadow_map, vec3(at.xy + vec2(-r, -0.4 * r), at.z - bias), 0.0);
    sum += textureLod(shadow_map, vec3(at.xy + vec2(0.4 * r, -r), at.z - bias), 0.0);
    sum += textureLod(shadow_map, vec3(at.xy + vec2(r, 0.4 * r), at.z - bias), 0.0);
    sum += textureLod(shadow_map, vec3(at.xy + vec2(-0.4 * r, r), at.z - bias), 0.0);
    return 0.25 * sum;
}
vec3 wrapped(float ndl, vec3 wrap) {
    // Light that scatters under the skin reaches past the terminator, red farthest.
    return max(vec3(0.0), (vec3(ndl) + wrap) / (1.0 + wrap));
}
float lobe(vec3 n, vec3 v, vec3 l, float power) {
    vec3 h = normalize(v + l);
    float f = 0.04 + 0.96 * pow(1.0 - clamp(dot(v, h), 0.0, 1.0), 5.0);
    return f * pow(max(dot(n, h), 0.0), power) * (power + 8.0) / 25.0;
}
vec3 light(vec3 n, vec3 wrap, float ao, float lit) {
    vec3 occlusion = pow(vec3(ao), vec3(0.75, 0.95, 1.0));
    vec3 c = mix(GROUND, SKY, n.z * 0.5 + 0.5) * occlusion;
    vec3 soft = pow(vec3(lit), vec3(0.65, 0.9, 1.0));
    c += KEY * wrapped(dot(n, key_direction), wrap) * soft * mix(vec3(1.0), occlusion, 0.35);
    c += FILL * wrapped(dot(n, FILL_DIRECTION), wrap) * occlusion;
    c += RIM * wrapped(dot(n, RIM_DIRECTION), wrap * 0.3) * 0.45 * occlusion;
    return c;
}
"""

# The mesh is about as fine as the picture, so the skin is lit at its vertices: several times
# faster on a CPU than lighting every fragment of triangles that cover two or three pixels.
SKIN_VERTEX = (
    """
#version 330
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in float in_ao;
in float in_follow;
in float in_hair;
uniform mat4 camera_matrix;
uniform mat4 light_matrix;
"""
    + _PLACE
    + _LIGHT
    + """
out vec2 v_uv;
out vec3 v_diffuse;
out vec3 v_specular;
out float v_wet;
void main() {
    // Cropped hair stands off the scalp.
    vec3 world = place(in_position + 0.006 * in_hair * in_normal, in_follow);
    vec3 n = normalize(mix(in_normal, head_rotation * in_normal, in_follow));
    vec3 v = normalize(camera_position - world);
    vec3 at = (light_matrix * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    float lit = shadow(at, dot(n, key_direction));
    v_diffuse = light(n, vec3(0.42, 0.20, 0.14), in_ao, lit);
    float s = lobe(n, v, key_direction, 22.0) * lit * 1.7
            + lobe(n, v, FILL_DIRECTION, 22.0) * 0.5
            + lobe(n, v, RIM_DIRECTION, 14.0) * 0.9;
    float grazing = pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 4.0);
    v_specular = in_ao * (s * vec3(0.52, 0.53, 0.55) + grazing * vec3(0.10, 0.12, 0.14));
    v_wet = in_ao * (lobe(n, v, key_direction, 48.0) * lit
          + 0.3 * lobe(n, v, FILL_DIRECTION, 48.0));
    // The atlas holds the face chart and the back-of-the-head chart side by side.
    v_uv = vec2(in_uv.x * 0.5, in_uv.y);
    gl_Position = camera_matrix * vec4(world, 1.0);
}
"""
)

SKIN_FRAGMENT = (
    """
#version 330
in vec2 v_uv;
in vec3 v_diffuse;
in vec3 v_specular;
in float v_wet;
out vec4 colour;
uniform sampler2D skin_map;
"""
    + _DISPLAY
    + """
void main() {
    vec4 painted = texture(skin_map, v_uv);
    float gloss = painted.a;  // 0 hair, 0.5 skin, 1 lips
    vec3 c = painted.rgb * painted.rgb * v_diffuse;
    c += v_specular * min(2.0 * gloss, 1.0) + vec3(v_wet * max(2.0 * gloss - 1.0, 0.0));
    colour = vec4(display(c), 1.0);
}
"""
)

MOUTH_VERTEX = (
    """
#version 330
in vec3 in_position;
in vec3 in_normal;
in float in_material;
in float in_follow;
uniform mat4 camera_matrix;
uniform mat4 light_matrix;
uniform vec3 lips;          // middle of the inner lip ring, head frame (m)
uniform float opening;      // inner lip distance (m)
uniform float upper_lip;    // height of the upper lip's inner edge, head frame (m)
uniform vec3 shift;         // head frame (m); not zero for the copy of the teeth that backs them
uniform float dim;
"""
    + _PLACE
    + _LIGHT
    + """
out vec3 v_colour;
const float EYE_SOCKET = 2.0, GUMS = 3.0, TONGUE = 4.0, TEETH = 5.0;
vec3 inside(vec3 n, vec3 v, float lit) {
    vec3 albedo = vec3(0.20, 0.045, 0.045);
    float shine = 0.35;
    if (in_material == TEETH) { albedo = vec3(0.64, 0.575, 0.48); shine = 0.7; }
    else if (in_material == TONGUE) { albedo = vec3(0.46, 0.165, 0.155); shine = 0.45; }
    else if (in_material == GUMS) { albedo = vec3(0.42, 0.155, 0.150); shine = 0.6; }
    // Light comes in through the lips: less of it the deeper, and the narrower they stand.
    float depth = max(lips.x - in_position.x - 0.003, 0.0);
    float reach = 0.006 + 0.55 * clamp(opening, 0.0, 0.03);
    float enter = exp(-depth / reach) * smoothstep(-0.001, 0.008, opening);
    float under = smoothstep(-0.001, 0.0065, upper_lip - in_position.z);
    float corner = 1.0 - 0.6 * smoothstep(0.010, 0.026, abs(in_position.y - lips.y));
    float ao = enter * mix(0.35, 1.0, under) * corner;
    vec3 c = albedo * light(n, vec3(0.35, 0.25, 0.22), 1.0, mix(0.5, 1.0, lit)) * ao * 0.80;
    c += shine * ao * ao * vec3(0.8) * lobe(n, v, key_direction, 60.0) * lit;
    return c;
}

void main() {
    vec3 world = place(in_position + shift, in_follow);
    vec3 n = normalize(mix(in_normal, head_rotation * in_normal, in_follow));
    vec3 v = normalize(camera_position - world);
    vec3 at = (light_matrix * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    v_colour = in_material == EYE_SOCKET
        ? vec3(0.30, 0.13, 0.11) * light(n, vec3(0.2), 0.25, 0.3)
        : inside(n, v, shadow(at, dot(n, key_direction)));
    v_colour *= dim;
    gl_Position = camera_matrix * vec4(world, 1.0);
}
"""
)

EYE_VERTEX = (
    """
#version 330
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in float in_follow;
uniform mat4 camera_matrix;
uniform mat4 light_matrix;
"""
    + _PLACE
    + """
out vec3 v_world;
out vec3 v_normal;
out vec3 v_head;
out vec2 v_uv;
flat out float v_left;
out vec3 v_light;
void main() {
    v_world = place(in_position, in_follow);
    v_normal = mix(in_normal, head_rotation * in_normal, in_follow);
    v_head = in_position;
    v_uv = in_uv;
    v_left = step(0.0, in_position.y);
    v_light = (light_matrix * vec4(v_world, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = camera_matrix * vec4(v_world, 1.0);
}
"""
)

EYE_FRAGMENT = (
    """
#version 330
in vec3 v_world;
in vec3 v_normal;
in vec3 v_head;
in vec2 v_uv;
in vec3 v_light;
flat in float v_left;
out vec4 colour;
uniform mat3 head_rotation;
uniform mat3 lids[2];       // rows: upper lid parabola, lower lid parabola, (y inner, y outer, 0)
"""
    + _LIGHT
    + _DISPLAY
    + """

vec3 eye(vec3 n, vec3 v, float lit, int side) {
    float polar = v_uv.y * 3.14159265;
    float around = v_uv.x * 6.2831853;
    const float IRIS = 0.405, PUPIL = 0.150;
    float r = polar / IRIS;
    float streak = 0.5 + 0.5 * sin(around * 41.0 + 3.0 * sin(around * 7.0))
                 * sin(around * 23.0 + 1.7 * sin(around * 11.0));
    vec3 sclera = mix(vec3(0.62, 0.595, 0.57), vec3(0.52, 0.38, 0.35),
                      smoothstep(0.65, 1.35, polar));
    vec3 iris = mix(vec3(0.235, 0.165, 0.085), vec3(0.085, 0.120, 0.125),
                    smoothstep(0.42, 0.80, r));
    iris *= 0.72 + 0.55 * streak;
    iris *= mix(1.0, 0.16, smoothstep(0.78, 1.0, r));
    float soft = fwidth(polar) + 0.012;
    vec3 albedo = mix(iris, sclera, smoothstep(IRIS - soft, IRIS + soft + 0.02, polar));
    albedo = mix(vec3(0.006), albedo, smoothstep(PUPIL - soft, PUPIL + soft, polar));
    // Lids shade the ball; both are parabolas through three landmarks of this frame.
    mat3 lid = lids[side];
    vec3 y = vec3(v_head.y * v_head.y, v_head.y, 1.0);
    float below = dot(vec3(lid[0][0], lid[1][0], lid[2][0]), y) - v_head.z;
    float above = v_head.z - dot(vec3(lid[0][1], lid[1][1], lid[2][1]), y);
    float shade = mix(0.30, 1.0, smoothstep(-0.0008, 0.0048, below))
                * mix(0.62, 1.0, smoothstep(-0.0008, 0.0022, above));
    float middle = 0.5 * (lid[0][2] + lid[1][2]);
    float half_width = 0.5 * abs(lid[0][2] - lid[1][2]);
    shade *= mix(1.0, 0.55, smoothstep(0.45, 1.05, abs(v_head.y - middle) / half_width));
    vec3 c = albedo * light(n, vec3(0.30, 0.22, 0.20), shade, mix(0.55, 1.0, lit) * shade);
    // The cornea bulges: its highlight stands near the iris whatever way the eye looks.
    vec3 mirrored = reflect(-v, n);
    const vec3 lamp = normalize(vec3(0.90, 0.26, 0.36));
    float wet = pow(max(dot(mirrored, lamp), 0.0), 170.0);
    float window = pow(max(dot(mirrored, normalize(vec3(0.85, -0.32, 0.30))), 0.0), 160.0);
    float film = pow(1.0 - max(dot(n, v), 0.0), 3.0);
    c += vec3(2.2) * wet * smoothstep(-0.001, 0.002, below);
    c += vec3(0.10) * window * shade + vec3(0.04) * film * shade;
    return c;
}

void main() {
    vec3 n = normalize(v_normal);
    vec3 v = normalize(camera_position - v_world);
    float lit = shadow(v_light, dot(n, key_direction));
    vec3 c = eye(n, v, lit, v_left > 0.5 ? 0 : 1);
    colour = vec4(display(c), 1.0);
}
"""
)

LASH_VERTEX = (
    """
#version 330
in vec3 in_position;
in vec2 in_along;
uniform mat4 camera_matrix;
"""
    + _PLACE
    + """
out vec2 v_along;
void main() {
    v_along = in_along;
    gl_Position = camera_matrix * vec4(place(in_position, 1.0), 1.0);
}
"""
)

LASH_FRAGMENT = """
#version 330
in vec2 v_along;  // nose outwards, root to tip
out vec4 colour;
void main() {
    // A closed line at the root that parts into hairs towards the tip.
    float hair = 0.5 + 0.5 * sin(v_along.x * 165.0 + v_along.y * 1.5);
    float alpha = mix(1.0, hair, smoothstep(0.25, 0.8, v_along.y))
                * (1.0 - smoothstep(0.3, 1.0, v_along.y));
    colour = vec4(0.10, 0.075, 0.065, alpha * smoothstep(0.0, 0.12, v_along.x));
}
"""

BUST_VERTEX = (
    """
#version 330
in vec3 in_position;
in vec3 in_normal;
in float in_ao;
uniform mat4 camera_matrix;
uniform mat4 light_matrix;
"""
    + _LIGHT
    + """
out vec3 v_colour;
void main() {
    vec3 n = in_normal;
    vec3 v = normalize(camera_position - in_position);
    vec3 at = (light_matrix * vec4(in_position, 1.0)).xyz * 0.5 + 0.5;
    vec3 c = light(n, vec3(0.2), in_ao, shadow(at, dot(n, key_direction)));
    float sheen = pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 3.0);
    v_colour = vec3(0.019, 0.023, 0.029) * c + sheen * in_ao * vec3(0.020, 0.024, 0.030);
    gl_Position = camera_matrix * vec4(in_position, 1.0);
}
"""
)

PLAIN_FRAGMENT = (
    """
#version 330
in vec3 v_colour;
out vec4 colour;
"""
    + _DISPLAY
    + """
void main() { colour = vec4(display(v_colour), 1.0); }
"""
)

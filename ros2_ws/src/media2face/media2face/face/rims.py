"""Rims of lips and lids: paths along the mesh through landmarks."""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from media2face.face.topology import Topology
from media2face.types import Float32

# Multi-PIE landmarks from the corner at the head's right to the one at its left.
UPPER_LIP, LOWER_LIP = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
# Of the left and the right eye, nose outwards.
UPPER_LIDS = ((42, 43, 44, 45), (39, 38, 37, 36))
LOWER_LIDS = ((42, 47, 46, 45), (39, 40, 41, 36))


def rim(topology: Topology, landmarks: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Welded skin vertices of the shortest path along mesh edges through some landmarks."""
    skin = topology.part("skin")
    welded = topology.weld[topology.triangles[topology.triangles[:, 0] < skin.stop]]
    neighbours: dict[int, set[int]] = {}
    for triangle in welded.tolist():
        for vertex in triangle:
            neighbours.setdefault(vertex, set()).update(triangle)
    stops = [int(topology.weld[topology.landmarks68[k]]) for k in landmarks]
    path = stops[:1]
    for start, end in pairwise(stops):
        path += _shortest_path(topology.neutral, neighbours, start, end)[1:]
    return np.array(path, np.intp)


def _shortest_path(
    places: Float32, neighbours: dict[int, set[int]], start: int, end: int
) -> list[int]:
    """Vertices from start to end along mesh edges (Dijkstra)."""
    came_from = {start: start}
    done: set[int] = set()
    best = {start: 0.0}
    queue = [(0.0, start)]
    while queue:
        length, vertex = heapq.heappop(queue)
        if vertex == end:
            break
        if vertex in done:
            continue
        done.add(vertex)
        for other in neighbours[vertex] - done:
            reach = length + float(np.linalg.norm(places[other] - places[vertex]))
            if reach < best.get(other, np.inf):
                best[other], came_from[other] = reach, vertex
                heapq.heappush(queue, (reach, other))
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]

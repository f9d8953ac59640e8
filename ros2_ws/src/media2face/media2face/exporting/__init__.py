"""Motions for other programs: glTF, Live Link Face (CSV and UDP), USD. One file a format."""

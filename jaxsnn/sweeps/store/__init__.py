"""Results on disk: finished points in shards that are whole or absent, and who computes what just now."""

from .claims import Claims as Claims
from .folder import AbstractFolder as AbstractFolder
from .folder import LocalFolder as LocalFolder
from .folder import folder_at as folder_at
from .shards import Damaged as Damaged
from .shards import Shard as Shard
from .store import Memory as Memory
from .store import Store as Store
from .workers import Workers as Workers
from .workers import at_work as at_work
from .writer import Writer as Writer

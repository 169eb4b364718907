"""Show a sweep: one HTML file that opens from disk and draws itself, or one still picture."""

from .still import picture as picture
from .writing import page as page

"""Gradients: estimators of the derivative of a loss with respect to a network's numbers, and training with optax.

All estimators have one method, `value_and_grad`, so one can be exchanged for another.
"""

from . import feedback as feedback
from . import losses as losses
from .bptt import BPTT as BPTT
from .checkpoints import Checkpoints as Checkpoints
from .eprop import EProp as EProp
from .estimator import AbstractEstimator as AbstractEstimator
from .evaluation import evaluate as evaluate
from .eventprop import EventProp as EventProp
from .feedback import AbstractFeedback as AbstractFeedback
from .feedback import AdaptiveFeedback as AdaptiveFeedback
from .feedback import RandomFeedback as RandomFeedback
from .feedback import SymmetricFeedback as SymmetricFeedback
from .rtrl import RTRL as RTRL
from .stopped import Fit as Fit
from .stopped import TrainingError as TrainingError
from .training import fit as fit

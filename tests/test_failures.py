"""What fails when a step is computed is one message: what failed, at which step and phase, and what may help."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from conftest import Genctl, tiny

from genctl.compute import failures
from genctl.errors import UserError

BROKEN = """
import tensorflow as tf
from genctl.strategies.ae import AE

class Broken(AE):
    def loss(self, batch, noise, training):
        loss, logs, code = super().loss(batch, noise, training)
        return self.worse(loss, code), logs, code

class Shapes(Broken):
    def worse(self, loss, code):
        return loss + tf.reduce_sum(code @ code)

class Places(Broken):
    def worse(self, loss, code):
        return loss * tf.reduce_sum(tf.gather(tf.ones(3), tf.cast(loss, tf.int32) + 9))

class NoGradient(Broken):
    def worse(self, loss, code):
        return tf.cast(tf.cast(loss, tf.int32), tf.float32)

class Python(Broken):
    def worse(self, loss, code):
        return loss * tf.numpy_function(lambda x: x, [loss], tf.float32)

class Large(Broken):
    def worse(self, loss, code):
        return loss * (1 + tf.reduce_mean(tf.random.normal((60000, 60000))))

class Evaluation(AE):
    def evaluate(self, batch, context):
        return {"x": tf.gather(tf.ones(3), tf.shape(batch["image"])[0])}
"""
WORDS = ("train", *tiny("ae"), "dataset=digits", "model.prior=none", "trust=[broken]", "trainer.steps=4", "name=x")


@pytest.mark.parametrize(
    ("kind", "xla", "message"),
    [
        (
            "Shapes",
            False,
            "training after step 0 (phase train) cannot be computed: Dimensions must be equal, but are 32 and 16 for",
        ),
        ("Places", False, "training after step 0 (phase train) cannot be computed: indices ="),
        (
            "NoGradient",
            False,
            "training after step 0 (phase train) cannot be computed: No gradients provided for any variable.",
        ),
        ("Python", True, "With trainer.xla=false, under another name=…, it may be."),
        ("Evaluation", False, "validation after step 4 (phase train) cannot be computed: "),
    ],
)
def test_a_step_that_fails_is_one_message(genctl: Genctl, kind: str, xla: bool, message: str) -> None:
    Path("broken.py").write_text(BROKEN)
    found = genctl.bad(*WORDS, f"model._target_=broken.{kind}", f"trainer.xla={str(xla).lower()}")
    assert message in found and found.count("\n") == 1 and len(found) < 500


LIMITED = """
import resource, sys
from genctl.cli.main import main
resource.setrlimit(resource.RLIMIT_AS, (10 * 2**30,) * 2)
sys.exit(main(sys.argv[1:]))
"""


def test_memory_that_lacks_is_told_beside_what_takes_it(genctl: Genctl) -> None:
    Path("broken.py").write_text(BROKEN)
    words = [*WORDS, "model._target_=broken.Large", "trainer.xla=false"]
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith(
        "error: training after step 0 (phase train) needs more memory than there is: the weights are "
        "encoder 1,584, decoder 1,616; trainer.batch_size=16; "
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "ValueError"),
        ("one.\ntwo", "one"),
        ("\x1b[1mException encountered when calling Dense.call().\x1b[0m\n\nbad\n\nArguments received", "bad"),
        ("Graph execution error:\n\nDetected at node x defined at (most recent call last):\n<stack traces\n"
         "{{node f}} no such place\n\t [[{{node x}}]]", "no such place"),
        ("in user code:\n\n    File \"a.py\", line 3, in f  *\n        g(x)\n    ValueError: too many\n", "too many"),
        ("genctl.errors.UserError: images/x.png is gone.\nTraceback (most recent call last):", "images/x.png is gone"),
        ("2 root error(s) found.\n  (0) INVALID_ARGUMENT: {{function_node f}} too far\n", "INVALID_ARGUMENT:  too far"),
    ],
)  # fmt: skip
def test_the_line_that_says_what_is_wrong_is_found(text: str, expected: str) -> None:
    assert failures.reason(ValueError(text)) == expected


def test_the_loss_of_a_process_and_what_users_are_told_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (UserError("told"), KeyboardInterrupt(), AttributeError("a fault of genctl")):
        with pytest.raises(type(error)) as found, failures.explained("step 1", str):
            raise error
        assert found.value is error
    lost = tf.errors.UnavailableError(None, None, "Socket closed")
    with pytest.raises(UserError, match="step 1 cannot be computed: Socket closed"), failures.explained("step 1", str):
        raise lost
    monkeypatch.setattr(failures, "several_processes", lambda: True)
    with pytest.raises(tf.errors.UnavailableError), failures.explained("step 1", str):
        raise lost

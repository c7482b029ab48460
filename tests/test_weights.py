"""Files of weights of other programs: read as data, and nothing in them is run."""

import base64
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from torch_files import PROTO, STOP, dictionary, text, write_torch, write_zip, zipped

from genctl.errors import UserError
from genctl.metrics.features import tensors
from genctl.metrics.features.fid import _load

# A state_dict of torch 2.13 in each of its formats: a convolution (2, 1, 1, 3), a batch normalization, the transpose
# of a float64 (2, 3), and a part of another tensor; compressed.
OLD = (
    "c-n=NNpI6o5XWODO<I>OKq-{9><&xF>ey@vP|D&i)LeW)mg79d2G`Em&p{wX%B2<X88~p{WAJsjaYf?5c%gJLB9{H)@yzc(Z{Ey^{lwY7J}>"
    "`VeEs#sLTSXVe$V1_2pL|T&15ot&!w*6+S-74zU4Z=po2PvUu=s~n`p%8TDk-52bDu3eb*<NZ@nizWQUOB)iE^srt47{lUX&3Z<a$LFXz-;$"
    "Z(w=6y#hGpr(N`HZdrw_}seJB_8Q6Sq9}GQ&fQA)k%ynTxU>vORSzrfi<Y>8D>cfsAc<{=8;Zd*<Fni$9Fw#P~{-Y^J*bX0X_8|fm|HIE!(b"
    "6U&clb#?)!_k?K`JEH|r_YEu+N$Vb^4{QwipuTdD^kTbl@$_!pv3KP7XjV^`)_t6YfoTP9_fhlzY<2uftET>IO!pxa}MVeBh(QHVPAi|7UkX"
    "eM!B3x#-;IPbW!I2nul){_>$D;fZ*RgaT<`2Nca;;JkFliBvC$JL<Y$1f5jA5rJoL1nBIupaZz;P_6r)?5EyR#`73X)WjYE1#oCD6qLdOn0+"
    "h@lrLTvFh26t)XG&^@@4zH6b}z(lVmOg>>2L*})Zd7Z)y1#YVIG1Cb)wT?~=llU6-bmI-_LMdh^N4bJMv~!ZT_7_>K)}f4Y49Zndu2_s^suX"
    "Gp)YUw?>xSq0J~Z}Vm)xLZlO3?I3tX!TLZw;}plQafA%^?N%Ir2sVRLN5?O5avg}Vyei(0*};|$zSsY<=p5QMrUKr5lOH?YgFDi6Y{Jd8<?C"
    "@d-PI2gim)LwXSRPX9khbPhZr@V^R3_Kgc^Qd9|jH@g&exx4`4y+7e)r?GRR9;vc!a5pQKkz#^g0I4{PuVDwmM@!D>ug$==hB)WwcGM(eO*W"
    "!&v8-;&+g#wM=SZ$j+gOdolVxc_TIQrEB0;UJ;M7-o7qQX_xO%l|9;PetZ(eT`2Xqs1|YIWVE"
)
NEW = (
    "c-qBQO>Y}T7#`b+<G9pG+R%IeDU?DtByraEdN=gT!Gz^wOPd%Wt+-h0_2ON{+0DB<b_G(TNGO%Kpz;S0|AH$Lzo3Ug4<HU4fD>@z$jpx8?rc"
    "bHl1hxTnPffB$IQI%JF}^!Mi9zm(2+KY&LP7$ZKrFkHVtg#cemSWHHSXp+J4eBy>{C&vE#Wx_Kx4Qe5<+Pm^ce)u?7i2KSRh&&+X>#T29Nxk"
    "TkJJc=PoRcG^L<?puwH({9$W<p!Q#?-sL=5(IsWzydPTXjw4AAX&BT8TbSCG7F=6f{YO%t*5BOZU@G+G=|KUh6F9CCCDd*VO-Es;U|G1`?*a"
    "`ox$)-4bJN01lDj5edTN-YmeBBwg40Mn3lvaN$9lX0ZeI$131SB&SRLa!Ly-9LeOxG04{LwBFr%OY!5z1;qwgs9ERs>@Pa<U;C{z-9k*5Au?"
    "!a$IGPe%WHc}KXkMZ;ml(~<7%tb~6+Oq(bPXR~<ya)R!dQeJ%OYiYjj=3YSgyf}eu1&Lot=8az@}{lb?h7Fw$+3@W9x0gEzfQB_h2;?D1%4@"
    "$O0FLz~Uk!E@CLvK+@A>fMNPx5I~tD+VDD!w$-PSLn;{*JKV-K>NTY$@4@SIBk#dgMtcpz^%~sJN!X%Y!^d!wo2vp9hF{+zF+k?}2Ayk_Vc*"
    "2CQG>TSd!UA!PnH}TG`QjI@cVZJorXTVy9e)uo7=VgfCM&ZS|SJ)X&}R`J$T;^UnRpugWG#>hrCDzouHB5)W$OMO0jvKL?wMTk4>=|B=l1(|"
    "FP%q7`Wb3RI8U`nfC9kK-Iqa<HyhF-05??+B{MotMxLgZnT}2yJNXnt(Jxoj5S%J1}b;qce)hGCmNVSmA-+-C)o06u~4hmPNI9*+78BTi+VV"
    "?@yi?ywe%A`<j_s7s;!D@_39}MFxLGF`L#}d$g@wLuh*%gnft$fIZM8n9pGr0cT`ZT0vcYQYVTL5-u<ogLn@FNpm&|uE2`Bsbh`Ody|Ik*^C"
    "jy9`lVCq)3yJW>VHvGema4^bUOW0uYdV}UVr&%=(F}`rT51=>oUE5ve!?Cc`=t*`b(rI_W+;MyiY}~PNJuue-mh_uhTESSB71XQkE(`_^S2c"
    ";QF_KijNC$IHkby9a4cmHR$cB?ljeE{y*-7xK@<cWJys<Wm%NUilT^OK`KeIC`wAXtQ18_E)_(Py1e+q?e7HQLkL|alHm^Zd`1tf$s^9=_rN"
    "$hdH~IENHc|wJL2Lb(L-dOBY6-dIdXEvd7=lw6vtB=K}QduI6N9PIS&5)2#TE@acr~#@K}2^hAqUg(d^~1kK)*392>2CJeJ<R_-Z@6=SOj@G"
    "`weed*Z8H92>0yG2J*;9)6GZGcl|Z$3}B?g2Vn6!5$N%(G*(XV{04@NbXH7onAgH1*w%tq2v1?#rnU;4@-NRUPaONS@u7><&CBpCKrxpWB&o"
    "3JNNb"
)


SHAPES = {"conv.weight": (2, 1, 1, 3), "bn.running_mean": (2,), "across": (3, 2)}
VALUES = {
    "conv.weight": np.arange(6).reshape(2, 1, 1, 3),
    "bn.running_mean": np.asarray([0.5, -2]),
    "across": np.arange(6).reshape(2, 3).T,
}


def old(path: Path) -> None:
    path.write_bytes(zlib.decompress(base64.b85decode(OLD)))


def new(path: Path) -> None:
    path.write_bytes(zlib.decompress(base64.b85decode(NEW)))


def safe(path: Path) -> None:
    save_file({name: np.ascontiguousarray(value, np.float16) for name, value in VALUES.items()}, path)


def own(path: Path) -> None:
    write_torch(path, VALUES)


@pytest.mark.parametrize("write", [old, new, safe, own])
def test_tensors_are_read(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "weights")
    found = tensors.read(tmp_path / "weights", SHAPES)
    assert list(found) == list(SHAPES)
    for name, values in VALUES.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("write", [old, new])
def test_tensors_that_are_not_there_as_they_should_be(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "weights")
    for name, shape, message in (
        ("fc.weight", (1,), "has no tensor fc.weight, but conv.weight, bn.weight, bn.bias and 5 more"),
        ("across", (2, 3), r"across has the shape \[3, 2\], not \[2, 3\]"),
        ("bn.num_batches_tracked", (), "bn.num_batches_tracked is of int64"),
        ("part", (2,), "part is a part of another tensor"),
    ):
        with pytest.raises(ValueError, match=message):
            tensors.read(tmp_path / "weights", {name: shape})


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_tensors_that_are_not_finite(tmp_path: Path, value: float) -> None:
    write_torch(tmp_path / "weights", {"a": np.asarray([1, value])})
    with pytest.raises(ValueError, match="a holds NaN or infinite values"):
        tensors.read(tmp_path / "weights", {"a": (2,)})


class Shell:
    """Pickled, it asks for a call of the shell."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.made}",)


KEY = b"".join([b"()q\0", *[b"h\0h\0\x86q\0"] * 100, b"t"])  # holds a tuple of twos of twos of …, whose hash has no end
HOSTILE = {
    "a key that hashes for ever": (PROTO + b"}" + KEY + b"K\1s" + STOP, "a dictionary by text, was expected"),
    "a place in memory that is far": (PROTO + b"}r\xff\xff\xff\xff" + STOP, "it has no tensor a, but no tensors"),
    "an instance": (PROTO + b"(ios\nsystem\n" + STOP, "has the command INST os system"),
    "a class by its number": (PROTO + b"\x82\1" + STOP, "has the command EXT1"),
    "an attribute by its path": (PROTO + b"cbuiltins\ngetattr\n" + STOP, "asks for builtins.getattr"),
    "another of torch's names": (PROTO + b"ctorch.hub\nload\n" + STOP, "asks for torch.hub.load"),
    "an end without a beginning": (PROTO + b"u" + STOP, "its pickle is damaged"),
    "no end": (PROTO + b"}", "pickle exhausted before seeing STOP"),
    "a call of a number": (PROTO + b"K\1)R" + STOP, "its pickle is damaged"),
    "a list": (PROTO + b"]" + STOP, "it holds no dictionary of tensors"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused(tmp_path: Path, what: str) -> None:
    pickled, message = HOSTILE[what]
    write_zip(tmp_path / "weights", pickled)
    with pytest.raises(ValueError, match=message):
        tensors.read(tmp_path / "weights", {"a": (1,)})


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("write", ["as it is", "in an archive"])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, protocol: int, write: str) -> None:
    pickled = pickle.dumps({"Conv2d_1a_3x3.conv.weight": Shell(tmp_path / "made")}, protocol)
    path = tmp_path / "weights.pth"
    write_zip(path, pickled) if write == "in an archive" else path.write_bytes(pickled)
    with pytest.raises(UserError, match="weights.pth holds no weights .* give pt_inception-2015-12-05") as error:
        _load(path, "")
    assert not (tmp_path / "made").exists()
    assert ("posix.system" in str(error.value)) == (protocol > 0)  # of protocol 0, not even the first byte is torch's


def write_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


TENSORS = {"a": np.arange(4.0)}
ABOUT, ZERO = pickle.dumps({"little_endian": True}, 2), PROTO + b"]" + text("0") + b"a" + STOP
DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (write_bytes(b""), "neither a file of weights of torch nor one of safetensors"),
    "a page": (write_bytes(b"<!DOCTYPE html><html>"), "neither a file of weights of torch nor one of safetensors"),
    "another pickle": (write_bytes(pickle.dumps({}, 2) * 9), "it is a pickle, but none of torch"),
    "another archive": (lambda path: zipped(path, {"x/a.txt": b""}), "its zip archive is none of torch"),
    "the head of an archive": (write_bytes(b"PK\3\4"), "not a zip file"),
    "a program": (
        lambda path: write_torch(path, TENSORS, {"archive/constants.pkl": b""}),
        "it is a program in TorchScript, which is never run",
    ),
    "another order of bytes": (lambda path: write_torch(path, TENSORS, {"archive/byteorder": b"bigbig"}), "order"),
    "storage that is short": (lambda path: write_torch(path, TENSORS, {"archive/data/0": b"123"}), "has not 16 bytes"),
    "storage that is not there": (lambda path: write_zip(path, dictionary(TENSORS)), "data/0 is not there"),
    "a large pickle": (lambda path: write_zip(path, b"N" * 2**23), "data.pkl"),
    "a compressed archive": (
        lambda path: write_torch(path, TENSORS, compression=zipfile.ZIP_DEFLATED),
        "is compressed",
    ),
    "a safetensors file that is cut off": (write_bytes(struct.pack("<Q", 99) + b'{"a":'), "Error while deserializing"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_files_are_refused(tmp_path: Path, what: str) -> None:
    write, message = DAMAGED[what]
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(Exception, match=message):
        tensors.read(path, {"a": (4,)})
    with pytest.raises(UserError, match="weights.pth holds no weights of the network of features=fid"):
        _load(path, "")


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (PROTO + b"]" + STOP + PROTO + b"}" + STOP + PROTO + b"]" + STOP, "another order than those of this machine"),
        (ABOUT + PROTO + b"}" + STOP + PROTO + b"K\1" + STOP, "its list of storages is damaged"),
        (ABOUT + PROTO + b"}" + STOP + PROTO + b"]" + KEY + b"a" + STOP, "its list of storages is damaged"),
        (ABOUT + dictionary(TENSORS) + PROTO + b"]" + STOP, "its storage 0 is not there"),
        (ABOUT + dictionary(TENSORS) + ZERO + struct.pack("<q", 5) + bytes(16), "its storage 0 has 5 numbers, not 4"),
    ],
)
def test_old_files_that_are_damaged(tmp_path: Path, after: bytes, message: str) -> None:
    head = pickle.dumps(tensors.MAGIC, 2) + pickle.dumps(tensors.VERSION, 2)
    (tmp_path / "weights").write_bytes(head + after)
    with pytest.raises(ValueError, match=message):
        tensors.read(tmp_path / "weights", {"a": (4,)})


def test_an_old_file_that_is_cut_off(tmp_path: Path) -> None:
    old(tmp_path / "weights")
    whole = (tmp_path / "weights").read_bytes()
    (tmp_path / "weights").write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=f"should have {len(whole):,} bytes, and has {len(whole) - 1:,}"):
        tensors.read(tmp_path / "weights", SHAPES)

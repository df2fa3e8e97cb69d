"""The text of the machine code between a call from Python and native code, in LLVM IR.

One function serves all programs: it works through rows of numbers that say what each argument has
to be and how each result is made, so that a new program needs a few rows and no code of its own.
"""

from __future__ import annotations

import re
import sys

# Kinds of arguments, and words of a row: see Argument in entry.py.
STATIC, ARRAY, DOUBLE, SINGLE, SCALAR, WHOLE = range(6)
ARGUMENT_WORDS = 6
# Kinds of results, and words of a row: see Result in entry.py.
FRESH, NUMBER, COPY = range(3)
RESULT_WORDS = 7

HEAD = object.__basicsize__
"""Bytes at the start of every object: the count of references, and last the type's address."""
DATA, NDIM, SHAPE, DTYPE, FLAGS = HEAD, HEAD + 8, HEAD + 16, HEAD + 40, HEAD + 48
"""Where an array keeps its fields: ``PyArrayObject_fields`` in NumPy's ndarraytypes.h."""
KIND = HEAD + 8
"""Where a dtype has its kind, its character, its byte order, an unused byte, and its number."""
KIND_MASK = int.from_bytes(b"\xff\xff\xff\x00\xff\xff\xff\xff", sys.byteorder)
IN_ORDER = 0x0101
"""NumPy's flags of an array that lies in row-major order, at addresses fit for its dtype."""


_TEXT = """
declare ptr @PyLong_AsVoidPtr(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyArray_Scalar(ptr, ptr, ptr)
declare void @PyArray_ScalarAsCtype(ptr, ptr)
declare ptr @PyArray_Empty(i32, ptr, ptr, i32)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; Whether an object, known to be an array, has the dtype, shape and layout of a row.
define internal i1 @fits(ptr %object, ptr %row) {{
entry:
  %flags_at = getelementptr i8, ptr %object, i64 {FLAGS}
  %flags = load i32, ptr %flags_at
  %good = and i32 %flags, {IN_ORDER}
  %in_order = icmp eq i32 %good, {IN_ORDER}
  br i1 %in_order, label %dtype, label %no
dtype:
  %dtype_at = getelementptr i8, ptr %object, i64 {DTYPE}
  %descr = load ptr, ptr %dtype_at
  %kind_at = getelementptr i8, ptr %descr, i64 {KIND}
  %kind = load i64, ptr %kind_at
  %masked = and i64 %kind, {KIND_MASK}
  %wanted = word i64, %row, 3
  %same = icmp eq i64 %masked, %wanted
  br i1 %same, label %rank, label %no
rank:
  %ndim_at = getelementptr i8, ptr %object, i64 {NDIM}
  %ndim32 = load i32, ptr %ndim_at
  %ndim = sext i32 %ndim32 to i64
  %wanted_ndim = word i64, %row, 4
  %same_rank = icmp eq i64 %ndim, %wanted_ndim
  br i1 %same_rank, label %shape, label %no
shape:
  %shape_at = getelementptr i8, ptr %object, i64 {SHAPE}
  %sizes = load ptr, ptr %shape_at
  %wanted_sizes = word ptr, %row, 5
  br label %axis
axis:
  %k = phi i64 [ 0, %shape ], [ %next, %compare ]
  %more = icmp slt i64 %k, %ndim
  br i1 %more, label %compare, label %yes
compare:
  %size = word i64, %sizes, %k
  %wanted_size = word i64, %wanted_sizes, %k
  %next = add i64 %k, 1
  %same_size = icmp eq i64 %size, %wanted_size
  br i1 %same_size, label %axis, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; Whether an argument is what its row says; its address or its value goes to where the code reads.
define internal i1 @take(ptr %object, ptr %row, ptr %table) {{
entry:
  %overflow = alloca i32
  %kind = word i64, %row, 0
  %wanted = word ptr, %row, 1
  %place = word i64, %row, 2
  %memory = word ptr, %row, 2
  %is_static = icmp eq i64 %kind, {STATIC}
  br i1 %is_static, label %static, label %typed
static:
  %same = icmp eq ptr %object, %wanted
  ret i1 %same
typed:
  %type_at = getelementptr i8, ptr %object, i64 {TYPE}
  %type = load ptr, ptr %type_at
  %same_type = icmp eq ptr %type, %wanted
  br i1 %same_type, label %one, label %no
one:
  switch i64 %kind, label %no [
    i64 {ARRAY}, label %array
    i64 {DOUBLE}, label %double
    i64 {SINGLE}, label %single
    i64 {SCALAR}, label %scalar
    i64 {WHOLE}, label %whole
  ]
array:
  %fits = call i1 @fits(ptr %object, ptr %row)
  br i1 %fits, label %known, label %no
known:
  %data_at = getelementptr i8, ptr %object, i64 {DATA}
  %data = load ptr, ptr %data_at
  %slot = getelementptr ptr, ptr %table, i64 %place
  store ptr %data, ptr %slot
  ret i1 true
double:
  %number = call double @PyFloat_AsDouble(ptr %object)
  store double %number, ptr %memory
  ret i1 true
single:
  %long = call double @PyFloat_AsDouble(ptr %object)
  %short = fptrunc double %long to float
  store float %short, ptr %memory
  ret i1 true
scalar:
  call void @PyArray_ScalarAsCtype(ptr %object, ptr %memory)
  ret i1 true
whole:
  %value = call i64 @PyLong_AsLongLongAndOverflow(ptr %object, ptr %overflow)
  %far = load i32, ptr %overflow
  %is_near = icmp eq i32 %far, 0
  %is_it = icmp eq i64 %value, %place
  %both = and i1 %is_near, %is_it
  ret i1 %both
no:
  ret i1 false
}}

; A result takes its place: alone, or in the tuple, which owns it from then on.
define internal void @put(ptr %tuple, ptr %made, i64 %k, ptr %object) {{
entry:
  %at = getelementptr ptr, ptr %made, i64 %k
  store ptr %object, ptr %at
  %is_alone = icmp eq ptr %tuple, null
  br i1 %is_alone, label %done, label %set
set:
  %status = call i32 @PyTuple_SetItem(ptr %tuple, i64 %k, ptr %object)
  br label %done
done:
  ret void
}}

; METH_FASTCALL. Between the tuple, which may wake the garbage collector, and the end nothing runs
; any Python code or lets go of the interpreter's lock: the table is this call's own.
define ptr @entry(ptr %self, ptr %arguments, i64 %given) nounwind {{
start:
  %state = call ptr @PyLong_AsVoidPtr(ptr %self)
  %count = word i64, %state, 0
  %rows = word ptr, %state, 1
  %result_count = word i64, %state, 2
  %result_rows = word ptr, %state, 3
  %run = word ptr, %state, 4
  %table = word ptr, %state, 5
  %not_implemented = word ptr, %state, 6
  %is_tuple = word i64, %state, 7
  %made = word ptr, %state, 8
  %as_many = icmp eq i64 %given, %count
  br i1 %as_many, label %holder, label %unknown
holder:
  %has_tuple = icmp ne i64 %is_tuple, 0
  br i1 %has_tuple, label %new_tuple, label %taking
new_tuple:
  %new = call ptr @PyTuple_New(i64 %result_count)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %error, label %taking
taking:
  %tuple = phi ptr [ null, %holder ], [ %new, %new_tuple ]
  br label %argument
argument:
  %a = phi i64 [ 0, %taking ], [ %a1, %take ]
  %a_more = icmp slt i64 %a, %count
  br i1 %a_more, label %take, label %making
take:
  %a1 = add i64 %a, 1
  %object_at = getelementptr ptr, ptr %arguments, i64 %a
  %object = load ptr, ptr %object_at
  %a_word = mul i64 %a, {ARGUMENT_WORDS}
  %a_row = getelementptr i64, ptr %rows, i64 %a_word
  %taken = call i1 @take(ptr %object, ptr %a_row, ptr %table)
  br i1 %taken, label %argument, label %refuse
refuse:
  call void @Py_DecRef(ptr %tuple)
  br label %unknown
unknown:
  call void @Py_IncRef(ptr %not_implemented)
  ret ptr %not_implemented

making:
  br label %array
array:
  %r = phi i64 [ 0, %making ], [ %r1, %empty ], [ %r1, %filled ], [ %r1, %later ]
  %r_more = icmp slt i64 %r, %result_count
  br i1 %r_more, label %result, label %running
result:
  %r1 = add i64 %r, 1
  %r_word = mul i64 %r, {RESULT_WORDS}
  %row = getelementptr i64, ptr %result_rows, i64 %r_word
  %kind = word i64, %row, 0
  %dtype = word ptr, %row, 1
  %is_number = icmp eq i64 %kind, {NUMBER}
  br i1 %is_number, label %later, label %allocate
later:
  br label %array
allocate:
  %ndim = word i64, %row, 2
  %ndim32 = trunc i64 %ndim to i32
  %sizes = word ptr, %row, 3
  call void @Py_IncRef(ptr %dtype)
  %fresh = call ptr @PyArray_Empty(i32 %ndim32, ptr %sizes, ptr %dtype, i32 0)
  %refused = icmp eq ptr %fresh, null
  br i1 %refused, label %clean, label %empty_or_filled
empty_or_filled:
  call void @put(ptr %tuple, ptr %made, i64 %r, ptr %fresh)
  %is_fresh = icmp eq i64 %kind, {FRESH}
  br i1 %is_fresh, label %empty, label %filled
filled:
  br label %array
empty:
  %data_at = getelementptr i8, ptr %fresh, i64 {DATA}
  %data = load ptr, ptr %data_at
  %place = word i64, %row, 4
  %slot = getelementptr ptr, ptr %table, i64 %place
  store ptr %data, ptr %slot
  br label %array

running:
  call void %run(ptr %table)
  br label %rest
rest:
  %s = phi i64 [ 0, %running ], [ %s1, %there ], [ %s1, %numbered ], [ %s1, %copy ]
  %s_more = icmp slt i64 %s, %result_count
  br i1 %s_more, label %another, label %done
another:
  %s1 = add i64 %s, 1
  %s_word = mul i64 %s, {RESULT_WORDS}
  %s_row = getelementptr i64, ptr %result_rows, i64 %s_word
  %s_kind = word i64, %s_row, 0
  %s_dtype = word ptr, %s_row, 1
  %s_place = word i64, %s_row, 4
  %s_offset = word i64, %s_row, 5
  %base = word ptr, %table, %s_place
  %source = getelementptr i8, ptr %base, i64 %s_offset
  switch i64 %s_kind, label %there [
    i64 {NUMBER}, label %number
    i64 {COPY}, label %copy
  ]
there:
  br label %rest
number:
  %boxed = call ptr @PyArray_Scalar(ptr %source, ptr %s_dtype, ptr null)
  %not_boxed = icmp eq ptr %boxed, null
  br i1 %not_boxed, label %clean, label %numbered
numbered:
  call void @put(ptr %tuple, ptr %made, i64 %s, ptr %boxed)
  br label %rest
copy:
  %made_at = getelementptr ptr, ptr %made, i64 %s
  %array_made = load ptr, ptr %made_at
  %to_at = getelementptr i8, ptr %array_made, i64 {DATA}
  %to = load ptr, ptr %to_at
  %bytes = word i64, %s_row, 6
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %source, i64 %bytes, i1 false)
  br label %rest
done:
  br i1 %has_tuple, label %together, label %alone
together:
  ret ptr %tuple
alone:
  %only = load ptr, ptr %made
  ret ptr %only

clean:
  call void @Py_DecRef(ptr %tuple)
  br label %error
error:
  ret ptr null
}}
"""


def text() -> str:
    """The code for this Python's and this NumPy's objects.

    ``%x = word i64, %row, 3`` is short for reading word 3 of a row, as a number or an address.
    """
    numbers = {name: value for name, value in globals().items() if name.isupper()}
    return re.sub(
        r"( +%(\w+)) = word (i64|ptr), (%\w+), (%?\w+)\n",
        r"  %\2_word = getelementptr i64, ptr \4, i64 \5\n\1 = load \3, ptr %\2_word\n",
        _TEXT.format(**numbers, TYPE=HEAD - 8),
    )

; The way from a call in Python into native code and back: one function for all programs.
;
; It works through rows of words that say what each argument has to be and how each result is made,
; so that a new program needs a few rows and no code of its own. Nothing here can run any code in
; Python, or let go of the interpreter's lock, once the containers of the results are made: the
; table and all else in memory belong to one call at a time.
;
; Filled in before it is compiled: numbers such as $DATA, from entry_layout.py; and
; `%x = word i64, %row, 3`, which is short for reading word 3 of a row as a number or an address.

declare ptr @PyLong_AsVoidPtr(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare double @PyFloat_AsDouble(ptr)
declare i32 @PyUnicode_Compare(ptr, ptr)
declare i64 @PyTuple_Size(ptr)
declare ptr @PyTuple_GetItem(ptr, i64)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i64 @PyList_Size(ptr)
declare ptr @PyList_GetItem(ptr, i64)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyDict_New()
declare i32 @PyDict_SetItem(ptr, ptr, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyArray_Scalar(ptr, ptr, ptr)
declare void @PyArray_ScalarAsCtype(ptr, ptr)
declare ptr @PyArray_Empty(i32, ptr, ptr, i32)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; Whether something has gone wrong in the code, which is then forgotten: the way through Python will
; find it again, and say what it is.
define internal i1 @faults(ptr %state, ptr %table) {
entry:
  %count = word i64, %state, $FAULTS
  %places = word ptr, %state, $FAULT_PLACES
  br label %next
next:
  %k = phi i64 [ 0, %entry ], [ %k1, %look ]
  %any = phi i1 [ false, %entry ], [ %any1, %look ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %count
  br i1 %more, label %look, label %end
look:
  %place = word i64, %places, %k
  %note = word ptr, %table, %place
  %fault = load i64, ptr %note
  %is_one = icmp ne i64 %fault, 0
  %any1 = or i1 %any, %is_one
  store i64 0, ptr %note
  br label %next
end:
  ret i1 %any
}

; METH_FASTCALL: the result, NotImplemented for other arguments, or null with an error set.
define ptr @entry(ptr %self, ptr %arguments, i64 %given) nounwind {
start:
  %made = alloca [$MOST_CONTAINERS x ptr]
  %state = call ptr @PyLong_AsVoidPtr(ptr %self)
  %wanted = word i64, %state, $GIVEN
  %run = word ptr, %state, $RUN
  %table = word ptr, %state, $TABLE
  %as_many = icmp eq i64 %given, %wanted
  br i1 %as_many, label %prepare, label %unknown
prepare:
  %prepared = call i1 @containers(ptr %state, ptr %made)
  br i1 %prepared, label %take, label %error
take:
  %taken = call i1 @arguments(ptr %state, ptr %arguments, i64 %given)
  br i1 %taken, label %allocate, label %refuse
allocate:
  %allocated = call i1 @arrays(ptr %state, ptr %made)
  br i1 %allocated, label %allocated_all, label %error
allocated_all:
  %is_nothing = icmp eq ptr %run, null
  br i1 %is_nothing, label %finish, label %compute
compute:
  call void %run(ptr %table, ptr null, i64 0, i64 1)
  %went_wrong = call i1 @faults(ptr %state, ptr %table)
  br i1 %went_wrong, label %refuse, label %finish
finish:
  %finished = call i1 @results(ptr %state, ptr %made)
  br i1 %finished, label %done, label %error
done:
  %result = load ptr, ptr %made
  ret ptr %result
refuse:
  %unused = load ptr, ptr %made
  call void @Py_DecRef(ptr %unused)
  br label %unknown
unknown:
  %other = word ptr, %state, $NOT_IMPLEMENTED
  call void @Py_IncRef(ptr %other)
  ret ptr %other
error:
  %unfinished = load ptr, ptr %made
  call void @Py_DecRef(ptr %unfinished)
  ret ptr null
}

; Arguments: whether they are what their rows say, and where the code finds them.

; Whether an object, known to be an array, has the dtype, shape and layout of a row.
define internal i1 @fits(ptr %object, ptr %row) {
entry:
  %flags_at = getelementptr i8, ptr %object, i64 $FLAGS
  %flags = load i32, ptr %flags_at
  %good = and i32 %flags, $IN_ORDER
  %in_order = icmp eq i32 %good, $IN_ORDER
  br i1 %in_order, label %dtype, label %no
dtype:
  %dtype_at = getelementptr i8, ptr %object, i64 $DTYPE
  %descr = load ptr, ptr %dtype_at
  %kind_at = getelementptr i8, ptr %descr, i64 $KIND
  %kind = load i64, ptr %kind_at
  %masked = and i64 %kind, $KIND_MASK
  %wanted = word i64, %row, 3
  %same = icmp eq i64 %masked, %wanted
  br i1 %same, label %rank, label %no
rank:
  %ndim_at = getelementptr i8, ptr %object, i64 $NDIM
  %ndim32 = load i32, ptr %ndim_at
  %ndim = sext i32 %ndim32 to i64
  %wanted_ndim = word i64, %row, 4
  %same_rank = icmp eq i64 %ndim, %wanted_ndim
  br i1 %same_rank, label %shape, label %no
shape:
  %shape_at = getelementptr i8, ptr %object, i64 $SHAPE
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
}

; Whether an argument is what its row says; its address or its value goes to where the code reads.
define internal i1 @take(ptr %object, ptr %row, ptr %table) {
entry:
  %overflow = alloca i32
  %kind = word i64, %row, 0
  %wanted = word ptr, %row, 1
  %place = word i64, %row, 2
  %memory = word ptr, %row, 2
  %is_static = icmp eq i64 %kind, $STATIC
  br i1 %is_static, label %static, label %typed
static:
  %same = icmp eq ptr %object, %wanted
  ret i1 %same
typed:
  %type_at = getelementptr i8, ptr %object, i64 $TYPE
  %type = load ptr, ptr %type_at
  %same_type = icmp eq ptr %type, %wanted
  br i1 %same_type, label %one, label %no
one:
  switch i64 %kind, label %no [
    i64 $ARRAY, label %array
    i64 $DOUBLE, label %double
    i64 $SINGLE, label %single
    i64 $SCALAR, label %scalar
    i64 $WHOLE, label %whole
  ]
array:
  %fits = call i1 @fits(ptr %object, ptr %row)
  br i1 %fits, label %known, label %no
known:
  %data_at = getelementptr i8, ptr %object, i64 $DATA
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
}

; Whether a container is what its row says; its items are added to the objects.
define internal i1 @open(ptr %row, ptr %objects, i64 %count) {
entry:
  %position = alloca i64
  %key_at = alloca ptr
  %value_at = alloca ptr
  store i64 0, ptr %position
  %kind = word i64, %row, 0
  %wanted = word ptr, %row, 1
  %number = word i64, %row, 2
  %size = word i64, %row, 3
  %keys = word ptr, %row, 4
  %object = word ptr, %objects, %number
  %type_at = getelementptr i8, ptr %object, i64 $TYPE
  %type = load ptr, ptr %type_at
  %same_type = icmp eq ptr %type, %wanted
  br i1 %same_type, label %which, label %no
which:
  switch i64 %kind, label %no [
    i64 $TUPLE, label %tuple
    i64 $LIST, label %list
    i64 $DICT, label %dict
  ]
tuple:
  %tuple_size = call i64 @PyTuple_Size(ptr %object)
  br label %sized
list:
  %list_size = call i64 @PyList_Size(ptr %object)
  br label %sized
dict:
  %dict_size = call i64 @PyDict_Size(ptr %object)
  br label %sized
sized:
  %is = phi i64 [ %tuple_size, %tuple ], [ %list_size, %list ], [ %dict_size, %dict ]
  %same_size = icmp eq i64 %is, %size
  br i1 %same_size, label %item, label %no
item:
  %k = phi i64 [ 0, %sized ], [ %k1, %found ]
  %k1 = add i64 %k, 1
  %more = icmp slt i64 %k, %size
  br i1 %more, label %get, label %yes
get:
  switch i64 %kind, label %from_dict [
    i64 $TUPLE, label %from_tuple
    i64 $LIST, label %from_list
  ]
from_tuple:
  %tuple_item = call ptr @PyTuple_GetItem(ptr %object, i64 %k)
  br label %found
from_list:
  %list_item = call ptr @PyList_GetItem(ptr %object, i64 %k)
  br label %found
from_dict:
  %some = call i32 @PyDict_Next(ptr %object, ptr %position, ptr %key_at, ptr %value_at)
  %key = load ptr, ptr %key_at
  %dict_item = load ptr, ptr %value_at
  %wanted_key = word ptr, %keys, %k
  %same_key = icmp eq ptr %key, %wanted_key
  br i1 %same_key, label %found, label %other_key
other_key:
  %key_type_at = getelementptr i8, ptr %key, i64 $TYPE
  %key_type = load ptr, ptr %key_type_at
  %text_at = getelementptr i8, ptr %wanted_key, i64 $TYPE
  %text = load ptr, ptr %text_at
  %both_text = icmp eq ptr %key_type, %text
  br i1 %both_text, label %compare, label %no
compare:
  %order = call i32 @PyUnicode_Compare(ptr %key, ptr %wanted_key)
  %equal = icmp eq i32 %order, 0
  br i1 %equal, label %found, label %no
found:
  %value = phi ptr [ %tuple_item, %from_tuple ], [ %list_item, %from_list ],
                   [ %dict_item, %from_dict ], [ %dict_item, %compare ]
  %to = add i64 %count, %k
  %to_at = getelementptr ptr, ptr %objects, i64 %to
  store ptr %value, ptr %to_at
  br label %item
yes:
  ret i1 true
no:
  ret i1 false
}

; All arguments, and what they contain.
define internal i1 @arguments(ptr %state, ptr %arguments, i64 %given) {
entry:
  %objects = word ptr, %state, $OBJECTS
  %opened = word i64, %state, $OPENED
  %opened_rows = word ptr, %state, $OPENED_ROWS
  %count = word i64, %state, $ARGUMENTS
  %rows = word ptr, %state, $ARGUMENT_ROWS
  %table = word ptr, %state, $TABLE
  br label %given_next
given_next:
  %g = phi i64 [ 0, %entry ], [ %g1, %note ]
  %g1 = add i64 %g, 1
  %g_more = icmp slt i64 %g, %given
  br i1 %g_more, label %note, label %open_next
note:
  %argument = word ptr, %arguments, %g
  %to = getelementptr ptr, ptr %objects, i64 %g
  store ptr %argument, ptr %to
  br label %given_next
open_next:
  %o = phi i64 [ 0, %given_next ], [ %o1, %open ]
  %known = phi i64 [ %given, %given_next ], [ %more_known, %open ]
  %o1 = add i64 %o, 1
  %o_more = icmp slt i64 %o, %opened
  br i1 %o_more, label %open, label %take_next
open:
  %o_word = mul i64 %o, $CONTAINER_WORDS
  %o_row = getelementptr i64, ptr %opened_rows, i64 %o_word
  %o_size = word i64, %o_row, 3
  %more_known = add i64 %known, %o_size
  %o_good = call i1 @open(ptr %o_row, ptr %objects, i64 %known)
  br i1 %o_good, label %open_next, label %no
take_next:
  %a = phi i64 [ 0, %open_next ], [ %a1, %take ]
  %a1 = add i64 %a, 1
  %a_more = icmp slt i64 %a, %count
  br i1 %a_more, label %take, label %yes
take:
  %a_word = mul i64 %a, $ARGUMENT_WORDS
  %a_row = getelementptr i64, ptr %rows, i64 %a_word
  %number = word i64, %a_row, 6
  %object = word ptr, %objects, %number
  %a_good = call i1 @take(ptr %object, ptr %a_row, ptr %table)
  br i1 %a_good, label %take_next, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

"""(room page, written with the room)"""
